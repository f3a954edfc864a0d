//! The binary from outside: each test runs it in an environment of its own, compares exit status, standard
//! output and standard error, and then asks the service what it saw. A number such as `f41` in a name is that
//! of a fault: several tests of one fault carry the same.

mod account;
mod accounts;
mod answers;
mod arguments;
mod case;
mod certainty;
mod codes;
mod completion;
mod condition;
mod configuration;
mod credentials;
mod deactivate;
mod deletion;
mod dialogue;
mod doubt;
mod drop_in;
mod dry_run;
mod ending;
mod endpoint;
mod faults;
mod find;
mod input;
mod journal;
mod many;
mod network;
mod pages;
mod precedence;
mod process;
mod property;
mod question;
mod reads;
mod running;
mod scarce;
mod secret;
mod session;
mod shell;
mod story;
mod streams;
mod structured;
mod sweep;
mod tab;
mod table;
mod trust;
