//! One connection: reads its requests in order, answers them, and applies faults.

use crate::clock;
use crate::disruption::{Act, Echo, What};
use crate::failure::Failure;
use crate::fault::Faults;
use crate::log::{Answer, Log, Recorded};
use crate::loopback::Gate;
use crate::reply::Reply;
use crate::request::{self, Params, Request};
use crate::service::{Answered, Service};
use crate::transmit;
use crate::transport::{self, Transport};
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// The state that all connections share.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) service: Service,
    pub(crate) log: Log<Recorded>,
    counts: Mutex<BTreeMap<String, usize>>,
    faults: Mutex<Faults>,
    pub(crate) connections: AtomicU64,
    /// How many requests have not taken effect yet.
    pub(crate) late: AtomicUsize,
    pub(crate) latency: Duration,
    pub(crate) gate: Gate,
}

impl Server {
    pub(crate) fn new(
        service: Service,
        log: Log<Recorded>,
        faults: Faults,
        latency: Duration,
    ) -> Self {
        let connections = AtomicU64::new(0);
        Self {
            service,
            log,
            counts: Mutex::default(),
            faults: Mutex::new(faults),
            connections,
            late: AtomicUsize::new(0),
            latency,
            gate: Gate::new(),
        }
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests for each action arrived, including those dropped from the log.
    pub(crate) fn counts(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a connection until it ends. Ignores connection errors.
    pub(crate) async fn serve(
        self: &Arc<Self>,
        socket: TcpStream,
        number: u64,
        tls: Option<&TlsAcceptor>,
    ) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let _broken = self.try_serve(socket, number, tls).await;
    }

    async fn try_serve(
        self: &Arc<Self>,
        socket: TcpStream,
        number: u64,
        tls: Option<&TlsAcceptor>,
    ) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let fault = self.faults().on_accept();
        match (fault, tls) {
            (Some(What::ResetOnAccept), _) => transport::reset(&socket),
            (Some(_), _) => transport::hold(socket).await,
            (None, None) => self.serve_requests(socket, number).await,
            (None, Some(tls)) => match tls.accept(socket).into_fallible().await {
                Ok(transport) => self.serve_requests(transport, number).await,
                // Closing a socket with unread bytes would reset the connection and lose the alert.
                Err((_, mut socket)) => tokio::io::copy(&mut socket, &mut tokio::io::sink())
                    .await
                    .map(drop),
            },
        }
    }

    async fn serve_requests<T: Transport>(
        self: &Arc<Self>,
        mut transport: T,
        number: u64,
    ) -> io::Result<()> {
        // Reserve room for a whole request: an empty buffer starts with reads of 64 bytes.
        let mut buffer = Vec::with_capacity(4096);
        loop {
            let request = match request::read(&mut transport, &mut buffer).await {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    let reply = Reply::new(400, "text/plain", "this request cannot be read\n");
                    return transmit::send(&mut transport, &reply).await;
                }
                Err(error) => return Err(error),
            };
            let (reply, fault, record) = self.answer(&request, number).await;
            let closing = request.closing;
            self.act_late(request, fault.as_ref(), record);
            let open = match &fault {
                None => {
                    transmit::send(&mut transport, &reply).await?;
                    Some(transport)
                }
                Some(what) => transmit::send_faulty(transport, &reply, what).await?,
            };
            let Some(open) = open else {
                return Ok(());
            };
            transport = open;
            if closing {
                return Ok(());
            }
        }
    }

    /// The response to a request, the fault to send it with, and the number of its record. Returns after any delay.
    async fn answer(
        self: &Arc<Self>,
        request: &Request,
        connection: u64,
    ) -> (Reply, Option<What>, usize) {
        let params = request.params();
        let record = Recorded::new(request, &params, connection);
        *self.counts().entry(record.action.clone()).or_default() += 1;
        let (fault, delay) = self.faults().on_request(&record.action, &record.params);
        let number = self.log.push(record);
        let Answered { reply, acted } = self.act(request, &params, fault.as_ref());
        if let Some(What::ThenRename { name, to }) = &fault {
            self.service.state().account.rename_user(name, to);
        }
        self.log.amend(number, |record| {
            record.acted_at = acted.then(SystemTime::now);
        });
        self.schedule_drift(&params);
        let pause = self.latency + delay;
        if pause > Duration::ZERO {
            tokio::time::sleep(pause).await;
        }
        if fault == Some(What::LoseReplyAndStopListening) {
            self.gate.close().await;
        }
        let answer = fault.as_ref().map_or(Answer::Status(reply.status), |what| {
            answer_with(what, &reply)
        });
        self.log.amend(number, |record| record.answer = answer);
        (
            self.add_headers(reply, request, fault.as_ref()),
            fault,
            number,
        )
    }

    /// Performs a request later if the fault says so, even if the connection is gone by then.
    fn act_late(self: &Arc<Self>, request: Request, fault: Option<&What>, number: usize) {
        let Some((what, Act::Later(later))) = fault.map(|what| (what, what.act())) else {
            return;
        };
        let (server, name) = (Arc::clone(self), what.name());
        self.late.fetch_add(1, Ordering::AcqRel);
        tokio::spawn(async move {
            tokio::time::sleep(later).await;
            let Answered { acted, .. } = server.service.answer(&request, &request.params());
            server.log.amend(number, |record| {
                record.acted_at = acted.then(SystemTime::now);
                if record.answer == Answer::Pending {
                    record.answer = Answer::Fault(name);
                }
            });
            server.late.fetch_sub(1, Ordering::AcqRel);
        });
    }

    /// Schedules the change that another administrator makes after such a request.
    fn schedule_drift(self: &Arc<Self>, params: &Params) {
        let (user, id) = (params.get("UserName"), params.get("AccessKeyId"));
        let change = self.service.state().account.changes(user, id);
        if let Some((wait, change)) = change {
            let server = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(wait).await;
                server.service.state().account.apply(change);
            });
        }
    }

    fn act(&self, request: &Request, params: &Params, fault: Option<&What>) -> Answered {
        let answered = match fault.map_or(Act::Before, What::act) {
            Act::Before => self.service.answer(request, params),
            Act::Later(_) | Act::Never => Answered {
                reply: Reply::default(),
                acted: false,
            },
        };
        let replaced = match fault {
            Some(What::Reply {
                status,
                headers,
                body,
                ..
            }) => Reply {
                status: *status,
                headers: headers.clone(),
                body: self.service.with_request_id(body),
            },
            Some(What::Error {
                status,
                code,
                message,
            }) => {
                let failure = Failure {
                    status: *status,
                    code: code.clone(),
                    message: message.clone().into_owned(),
                };
                self.service.refuse(params, &failure)
            }
            Some(What::Echo(Echo::Canonical)) => {
                let signed = signed(request);
                let message = format!(
                    "The request signature we calculated does not match the signature you provided.\n\n\
                     The Canonical String for this request should have been\n\'POST\n/\n\n{signed}\'"
                );
                self.service
                    .refuse(params, &Failure::new(403, "SignatureDoesNotMatch", message))
            }
            Some(What::Echo(Echo::Page)) => {
                let lines = lines(request.headers.iter());
                let page = format!("<html><pre>{lines}</pre></html>");
                Reply::new(200, "text/html", page).with_header(
                    "X-Echo",
                    request.header("authorization").unwrap_or_default(),
                )
            }
            Some(What::Echo(Echo::Json)) => {
                let body = String::from_utf8_lossy(&request.body);
                let repeated = lines(request.headers.iter()) + &body;
                let repeated = repeated.replace('"', "'").replace('\n', " ");
                let error =
                    format!("{{\"error\":\"INVALID_REQUEST\",\"message\":\"no use: {repeated}\"}}");
                Reply::new(400, "application/json", error)
                    .with_header("x-amzn-ErrorType", "ValidationException")
            }
            _ => return answered,
        };
        Answered {
            reply: replaced,
            ..answered
        }
    }

    /// Adds the headers that all responses have, and the headers that a fault adds.
    fn add_headers(&self, reply: Reply, request: &Request, fault: Option<&What>) -> Reply {
        let is_dated = |reply: &Reply| {
            let mut names = reply.headers.iter().map(|(name, _)| name);
            names.any(|name| name.eq_ignore_ascii_case("date"))
        };
        let mut reply = match fault {
            Some(What::Reply { .. }) if is_dated(&reply) => reply,
            _ => reply.with_header("Date", &clock::http(self.service.clock.now())),
        };
        if request.closing {
            reply = reply.with_header("Connection", "close");
        }
        if let Some(What::ManyHeaders(count)) = fault {
            reply
                .headers
                .extend((0..*count).map(|n| (format!("x-header-{n}"), format!("value {n}"))));
        }
        reply
    }
}

/// The signed headers of a request in canonical form.
fn signed(request: &Request) -> String {
    let is_signed = |name: &str| name == "host" || name.starts_with("x-amz-");
    lines(request.headers.iter().filter(|(name, _)| is_signed(name)))
}

fn lines<'a>(headers: impl Iterator<Item = &'a (String, String)>) -> String {
    headers.fold(String::new(), |lines, (name, value)| {
        lines + name + ":" + value + "\n"
    })
}

const fn answer_with(what: &What, reply: &Reply) -> Answer {
    match what {
        What::ActAfterReset(_)
        | What::ActInSilence(_)
        | What::Reply {
            act: Act::Later(_), ..
        } => Answer::Pending,
        What::Reply { .. }
        | What::Error { .. }
        | What::Echo(_)
        | What::Delay(_)
        | What::ThenRename { .. }
        | What::Drip { .. }
        | What::ReplyTwice
        | What::ManyHeaders(_) => Answer::Status(reply.status),
        _ => Answer::Fault(what.name()),
    }
}
