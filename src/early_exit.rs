//! Prints what needs no run: help, the version, errors in the arguments, and completions.

use std::io::{self, ErrorKind};

use crate::cli::{self, NotRead};
use crate::error::{Exit, RunError};
use crate::report::message::{Messages, is_colorful};
use crate::report::stream::write_message;
use crate::report::{self, Explanation};
use crate::request::{Color, ErrorFormat};
use crate::sanitize::SafeText;

/// The state of the keys before any key was read.
const NOT_DELETED: &str = "NotDeleted";

/// Prints help, the version, an error in the arguments, or that a signal came.
pub(crate) fn report_arguments(not_read: NotRead, format: ErrorFormat) -> Exit {
    let text = match not_read {
        NotRead::Text(text) => text,
        NotRead::Stopped(error) => {
            let exit = error.exit;
            let explanation = Explanation::of(error, NOT_DELETED);
            let explanation = explanation.about(None, "no key was changed".to_owned());
            Messages::new(Color::Auto, format).explain(&explanation);
            return exit;
        }
    };
    let styled = text.render();
    let render = |is_colorful| {
        if is_colorful {
            styled.ansi().to_string()
        } else {
            styled.to_string()
        }
    };
    if !text.use_stderr() {
        return page(&render(is_colorful(&io::stdout())), format);
    }
    match format {
        ErrorFormat::Json => {
            let error = cli::usage_error(&render(false));
            fail(error, Messages::new(Color::Off, format))
        }
        ErrorFormat::Text => {
            let text = render(is_colorful(&io::stderr()));
            let text = format!("iam-del-key: {}", text.trim_end());
            write_message(&SafeText::page(&text));
            let result = "result: no request was sent, and no key was changed";
            write_message(&SafeText::message(result));
            Exit::Usage
        }
    }
}

/// Prints completions for a shell.
pub(crate) fn answer_completion(answer: Result<String, RunError>) -> Exit {
    match answer {
        Ok(text) => page(&text, ErrorFormat::Text),
        Err(error) => {
            let messages = Messages::new(Color::Auto, ErrorFormat::Text);
            fail(error, messages)
        }
    }
}

fn fail(error: RunError, messages: Messages) -> Exit {
    let exit = error.exit;
    messages.explain(&Explanation::of(error, NOT_DELETED));
    exit
}

/// Prints text that was requested.
pub(crate) fn page(text: &str, format: ErrorFormat) -> Exit {
    match report::page(text) {
        Ok(()) => Exit::Success,
        // The reader has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Success,
        Err(error) => {
            let message = format!("could not write to standard output: {error}");
            let error = RunError::new(Exit::Other, "NotWritten", message);
            fail(error, Messages::new(Color::Off, format))
        }
    }
}
