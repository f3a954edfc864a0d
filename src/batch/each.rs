//! Many things at a time on one thread.

use std::io;
use std::ops::ControlFlow;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

/// Works on all items, at most `at_once` at a time, and takes each result as it comes. After `take` breaks off, no
/// further item is begun, and what is under way is waited for.
pub(super) async fn each<I, T>(
    items: &mut impl Iterator<Item = io::Result<I>>,
    at_once: usize,
    work: impl AsyncFn(I) -> T,
    mut take: impl FnMut(io::Result<T>) -> ControlFlow<()>,
) {
    let mut under_way = FuturesUnordered::new();
    let mut is_open = true;
    loop {
        while is_open && under_way.len() < at_once {
            match items.next() {
                Some(Ok(item)) => under_way.push(work(item)),
                Some(Err(error)) => {
                    let _ = take(Err(error));
                    is_open = false;
                }
                None => is_open = false,
            }
        }
        let Some(result) = under_way.next().await else {
            return;
        };
        if take(Ok(result)).is_break() {
            is_open = false;
        }
    }
}
