//! A small stateful AWS IAM on loopback, for testing, measuring and trying programs that call IAM.
//!
//! It answers `CreateUser`, `ListUsers`, `ListUserTags`, `CreateAccessKey`, `ListAccessKeys`, `UpdateAccessKey`,
//! `DeleteAccessKey`, `GetAccessKeyLastUsed`, `GenerateCredentialReport`, `GetCredentialReport`, and STS's
//! `GetCallerIdentity`, `GetAccessKeyInfo`, `AssumeRole`, `AssumeRoleWithWebIdentity` and `AssumeRoot`, as AWS does: it
//! checks signatures and parameters, keeps state, and records the requests.
//! A [`Fault`] disrupts individual connections or responses, and a [`Storm`] disrupts them at random.
//!
//! ```
//! use iam_sandbox::{Fault, Sandbox, What, documented, sign};
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! let sandbox = Sandbox::documented()
//!     .deny("iam:ListUsers")
//!     .fault(Fault::new(What::CloseAfterActing).on("DeleteAccessKey"))
//!     .start();
//! let request = [
//!     ("Action", "DeleteAccessKey"),
//!     ("Version", "2010-05-08"),
//!     ("UserName", "Bob"),
//!     ("AccessKeyId", documented::BOB_KEY_ID),
//! ];
//! let mut stream = TcpStream::connect(sandbox.address())?;
//! stream.write_all(&sign::post(&sandbox.admin(), &sandbox.address().to_string(), &request))?;
//! let mut reply = String::new();
//! stream.read_to_string(&mut reply)?;
//!
//! assert_eq!(reply, "");
//! assert!(!sandbox.has_key(documented::BOB_KEY_ID));
//! let seen = sandbox.requests().remove(0);
//! assert_eq!(seen.param("UserName"), Some("Bob"));
//! assert_eq!(seen.key_id.as_deref(), Some(documented::ADMIN_KEY_ID));
//! assert_eq!(seen.answer.to_string(), "CloseAfterActing");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The interface is synchronous: a sandbox runs on its own threads, which end when it is dropped.

mod account;
mod action;
mod builder;
mod certificate;
mod clock;
mod connection;
mod constraint;
mod denial;
mod disruption;
pub mod documented;
mod drift;
mod failure;
mod fault;
mod hash;
mod key;
mod key_id;
mod log;
mod loopback;
mod metadata;
mod principal;
mod proxy;
mod reply;
mod report;
mod request;
mod sandbox;
mod scratch;
mod seed;
mod service;
pub mod sign;
mod sigv4;
mod snapshot;
mod storm;
mod throttle;
mod transmit;
mod transport;
mod trust;
mod verify;
mod xml;

pub use action::actions;
pub use builder::Builder;
pub use certificate::Certificate;
pub use disruption::{Act, Echo, What};
pub use documented::root_key_id;
pub use fault::Fault;
pub use key::{Credentials, Key, KeySeed, LastUsed, Status, days_ago};
pub use key_id::account_of;
pub use log::{Answer, Recorded};
pub use metadata::Metadata;
pub use proxy::{Proxy, ProxyMode, ProxyRequest};
pub use sandbox::{Issued, Sandbox};
pub use seed::nth_key_id;
pub use storm::Storm;
