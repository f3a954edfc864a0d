//! Uses the AWS SDK as its guide shows, with default features. Deletes one access key.
//!
//! Usage: `plain-sdk USER KEY`

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let user = arguments.next().ok_or("USER is missing")?;
    let key = arguments.next().ok_or("KEY is missing")?;
    let config = aws_config::load_from_env().await;
    aws_sdk_iam::Client::new(&config)
        .delete_access_key()
        .user_name(user)
        .access_key_id(key)
        .send()
        .await?;
    Ok(())
}
