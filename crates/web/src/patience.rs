//! Connections that are given up when a request does not arrive in time, byte by byte or not at all.
//!
//! The time a handler takes is limited elsewhere ([`crate::layers`]); this is about the one who never finishes asking, and so would hold
//! a connection for good.
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};

/// From the last byte sent (or the connection) to the whole of the next request; longer than a handler may take.
pub const REQUEST_WITHIN: Duration = Duration::from_secs(40);
/// Each piece of a large body gives a second more, but never more than the whole time: an upload that moves is not given up.
const PIECE: u64 = 32 * 1024;

/// A listener whose connections lose patience.
pub struct Patient {
    inner: TcpListener,
    within: Duration,
}

impl Patient {
    /// Over a listener, with the time a request may take to arrive.
    #[must_use]
    pub const fn new(inner: TcpListener, within: Duration) -> Self {
        Self { inner, within }
    }
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, Patient>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Patient>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl Listener for Patient {
    type Io = PatientStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (PatientStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.inner).await;
        (PatientStream::new(stream, self.within), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// A connection that is read for so long only, counted anew from each byte that is sent back.
pub struct PatientStream {
    inner: TcpStream,
    within: Duration,
    end: Pin<Box<Sleep>>,
    /// Bytes since the time was last counted anew.
    read: u64,
}

impl PatientStream {
    fn new(inner: TcpStream, within: Duration) -> Self {
        Self { inner, within, end: Box::pin(tokio::time::sleep(within)), read: 0 }
    }

    fn begin_anew(&mut self) {
        self.end.as_mut().reset(Instant::now() + self.within);
        self.read = 0;
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        if let Poll::Ready(done) = Pin::new(&mut self.inner).poll_read(cx, into) {
            self.read += (into.filled().len() - before) as u64;
            if self.read >= PIECE {
                self.read = 0;
                let end = self.end.deadline().max(Instant::now()) + Duration::from_secs(1);
                let latest = Instant::now() + self.within;
                self.end.as_mut().reset(end.min(latest));
            }
            return Poll::Ready(done);
        }
        match self.end.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.begin_anew();
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.begin_anew();
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
