//! Files that ship with the binary: each completion loads in its shell and offers the options, and the man page renders without
//! a warning.

use std::path::PathBuf;
use std::process::{Command, Output};

fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a shell without the user's own settings.
fn shell(program: &str, args: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Command::new(program)
        .args(args)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder.path())
        .env("TERM", "dumb")
        .output()
        .unwrap_or_else(|error| panic!("{program} does not start ({error}): tests/all installs it"))
}

fn offers(output: &Output, expected: &[&str]) {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", output.status);
    assert_eq!(stderr, "");
    for text in expected {
        assert!(stdout.contains(text), "{text} is not offered: {stdout}");
    }
}

#[test]
fn bash_completes_flags_and_values() {
    let script = file("completions/iam-del-key.bash");
    let complete = |line: &str| {
        format!(
            "source {}; complete=($(complete -p iam-del-key)); COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
             for ((i = 0; i < ${{#complete[@]}}; i++)); do [ \"${{complete[i]}}\" = -F ] && name=${{complete[i+1]}}; done; \
             $name iam-del-key \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display()
        )
    };
    let output = shell("bash", &["--norc", "-c", &complete("iam-del-key --")]);
    offers(
        &output,
        &[
            "--access-key-id",
            "--user-name",
            "--ignore-missing",
            "--allow-self",
        ],
    );
    let output = shell(
        "bash",
        &["--norc", "-c", &complete("iam-del-key --output ''")],
    );
    offers(&output, &["json", "text", "off"]);
}

#[test]
fn fish_completes_flags_and_values() {
    let script = file("completions/iam-del-key.fish");
    let complete = |line: &str| format!("source {}; complete -C '{line}'", script.display());
    let output = shell("fish", &["--no-config", "-c", &complete("iam-del-key --")]);
    offers(
        &output,
        &[
            "--access-key-id",
            "--user-name",
            "--ignore-missing",
            "--allow-self",
        ],
    );
    let output = shell(
        "fish",
        &["--no-config", "-c", &complete("iam-del-key --output ")],
    );
    offers(&output, &["json", "text", "off"]);
}

#[test]
fn zsh_loads_its_completion() {
    let folder = file("completions");
    let script = format!(
        "fpath=({} $fpath); autoload -Uz compinit; compinit -D -u; autoload +X _iam-del-key; print -r -- $_comps[iam-del-key]; functions _iam-del-key",
        folder.display()
    );
    let output = shell("zsh", &["-f", "-c", &script]);
    offers(
        &output,
        &[
            "_iam-del-key",
            "--access-key-id",
            "--user-name",
            "--ignore-missing",
            "--allow-self",
        ],
    );
}

#[test]
fn the_man_page_renders_without_a_warning() {
    let page = file("man/iam-del-key.1");
    let page = page.to_str().expect("UTF-8");
    let output = shell(
        "man",
        &["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
    );
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let output = shell("man", &["-E", "UTF-8", "-P", "cat", "-l", page]);
    let headings = [
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "SEE ALSO",
        "NoSuchEntity",
        "AWS_PROFILE",
        "~/.aws/config",
    ];
    let text: String = String::from_utf8_lossy(&output.stdout).replace('\u{8}', "");
    for heading in headings {
        assert!(text.contains(heading), "{heading} is missing: {text}");
    }
}
