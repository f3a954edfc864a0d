//! Uses the AWS SDK as its guide shows, with default features. Deletes the access keys in a CSV file, JOBS at a time, and
//! prints the SDK's result for each as JSON Lines. Uses the default configuration except for the read timeout, which is
//! unlimited by default.
//!
//! Usage: `plain-sdk-report FILE JOBS`

use std::error::Error;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::error::ProvideErrorMetadata as _;
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let list = std::fs::read_to_string(arguments.next().ok_or("FILE is missing")?)?;
    let jobs: usize = arguments.next().ok_or("JOBS is missing")?.parse()?;
    let read = Duration::from_secs(1);
    let timeouts = TimeoutConfig::builder().read_timeout(read).build();
    let loader = aws_config::from_env().timeout_config(timeouts);
    let client = Client::new(&loader.load().await);
    let mut running = JoinSet::new();
    for line in list.lines().skip(1) {
        let (key, user) = line.split_once(',').ok_or("a line without a user")?;
        if running.len() == jobs {
            running.join_next().await.transpose()?;
        }
        running.spawn(delete(client.clone(), key.to_owned(), user.to_owned()));
    }
    while running.join_next().await.transpose()?.is_some() {}
    Ok(())
}

async fn delete(client: Client, key: String, user: String) {
    let call = client.delete_access_key().user_name(user);
    match call.access_key_id(&key).send().await {
        Ok(_) => println!(r#"{{"AccessKeyId": "{key}", "Outcome": "Deleted"}}"#),
        Err(error) => {
            let code = error.code().unwrap_or("none");
            println!(
                r#"{{"AccessKeyId": "{key}", "Outcome": "Failed", "Error": {{"Code": "{code}"}}}}"#
            );
        }
    }
}
