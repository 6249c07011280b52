//! One connection to a board: every call has its time, and a doubt ends the connection.
//!
//! `tokio-modbus` knows two values of FC05, on and off. Boards that time a pulse themselves take
//! the time as the value and send it back, which the library refuses to read. So between the
//! library and the socket function 5 is called 0x45, which the library leaves alone; on the socket
//! it is 5.

use std::{
    borrow::Cow,
    io,
    pin::Pin,
    task::{Context as Task, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_modbus::{
    Request, Response, Slave,
    client::{Client, Context, tcp},
};

/// FC05, write single coil.
const WRITE_COIL: u8 = 0x05;
/// What the library calls it here.
pub(crate) const RAW_WRITE_COIL: u8 = 0x45;
/// Set in the function code of an exception.
const EXCEPTION: u8 = 0x80;
const CONNECT: Duration = Duration::from_millis(500);

/// Why a connection was given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// No connection.
    #[error("no connection: {0}")]
    Connect(io::Error),
    /// No answer in time; a late one must not be taken for the next one's.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// The library found the answer wanting.
    #[error("the answer is no answer: {0}")]
    Protocol(tokio_modbus::Error),
    /// The board said no.
    #[error("exception {code:02X} ({0}); compare the profile with the board's manual",
        code = u8::from(*.0))]
    Refused(tokio_modbus::ExceptionCode),
    /// The answer belongs to another question.
    #[error("the answer does not fit the question")]
    Mismatch,
}

impl Trouble {
    /// Whether the board refused, so that nothing happened and the connection is sound.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Whether the board refused because it is busy: it may obey a little later.
    pub(crate) const fn is_busy(&self) -> bool {
        use tokio_modbus::ExceptionCode::{Acknowledge, ServerDeviceBusy};
        matches!(self, Self::Refused(Acknowledge | ServerDeviceBusy))
    }
}

/// A connection.
pub(crate) struct Wire {
    context: Context,
    patience: Duration,
    pause: Duration,
}

impl Wire {
    /// Connects to `address`; calls take at most `patience`, with `pause` between them.
    pub(crate) async fn connect(
        address: &str,
        unit: u8,
        patience: Duration,
        pause: Duration,
    ) -> Result<Self, Trouble> {
        let late = |_| Trouble::Late(CONNECT);
        let stream = timeout(CONNECT, TcpStream::connect(address)).await.map_err(late)?;
        let stream = stream.map_err(Trouble::Connect)?;
        stream.set_nodelay(true).map_err(Trouble::Connect)?;
        let context = tcp::attach_slave(Renamed::new(stream), Slave(unit));
        Ok(Self { context, patience, pause })
    }

    /// Reads `count` discrete inputs.
    pub(crate) async fn inputs(&mut self, first: u16, count: u16) -> Result<Vec<bool>, Trouble> {
        match self.call(Request::ReadDiscreteInputs(first, count)).await? {
            Response::ReadDiscreteInputs(bits) if bits.len() >= usize::from(count) => Ok(bits),
            _ => Err(Trouble::Mismatch),
        }
    }

    /// Reads `count` input registers.
    pub(crate) async fn registers(&mut self, first: u16, count: u16) -> Result<Vec<u16>, Trouble> {
        match self.call(Request::ReadInputRegisters(first, count)).await? {
            Response::ReadInputRegisters(words) if words.len() == usize::from(count) => Ok(words),
            _ => Err(Trouble::Mismatch),
        }
    }

    /// Writes any `value` by FC05; the board must send it back.
    pub(crate) async fn write_coil(&mut self, coil: u16, value: u16) -> Result<(), Trouble> {
        let mut body = coil.to_be_bytes().to_vec();
        body.extend(value.to_be_bytes());
        match self.call(Request::Custom(RAW_WRITE_COIL, Cow::Borrowed(&body))).await? {
            Response::Custom(RAW_WRITE_COIL, echo) if echo == body => Ok(()),
            _ => Err(Trouble::Mismatch),
        }
    }

    async fn call(&mut self, request: Request<'_>) -> Result<Response, Trouble> {
        if !self.pause.is_zero() {
            sleep(self.pause).await;
        }
        match timeout(self.patience, self.context.call(request)).await {
            Err(_) => Err(Trouble::Late(self.patience)),
            Ok(Err(error)) => Err(Trouble::Protocol(error)),
            Ok(Ok(Err(code))) => Err(Trouble::Refused(code)),
            Ok(Ok(Ok(response))) => Ok(response),
        }
    }
}

/// A stream of Modbus TCP frames on which function 5 is called 0x45 by those who use it.
#[derive(Debug)]
pub(crate) struct Renamed<T> {
    inner: T,
    inward: Walker,
    outward: Walker,
    /// A copy of what is being written, with its functions renamed.
    copy: Vec<u8>,
}

impl<T> Renamed<T> {
    pub(crate) const fn new(inner: T) -> Self {
        Self { inner, inward: Walker::new(), outward: Walker::new(), copy: Vec::new() }
    }
}

/// Where in a frame a stream of bytes is: seven bytes of header, with the length in the fifth and
/// sixth (it counts the seventh), then the function.
#[derive(Clone, Debug)]
struct Walker {
    at: usize,
    length: usize,
}

impl Walker {
    const fn new() -> Self {
        Self { at: 0, length: 0 }
    }

    /// Goes over `bytes` and gives `rename` each function code.
    fn walk(&mut self, bytes: &mut [u8], rename: impl Fn(u8) -> u8) {
        for byte in bytes {
            match self.at {
                4 => self.length = usize::from(*byte) << 8,
                5 => self.length |= usize::from(*byte),
                7 => *byte = rename(*byte),
                _ => {}
            }
            self.at += 1;
            if self.at >= 7 && self.at >= 6 + self.length {
                self.at = 0;
            }
        }
    }
}

const fn inward(function: u8) -> u8 {
    match function & !EXCEPTION {
        WRITE_COIL => RAW_WRITE_COIL | (function & EXCEPTION),
        _ => function,
    }
}

const fn outward(function: u8) -> u8 {
    match function & !EXCEPTION {
        RAW_WRITE_COIL => WRITE_COIL | (function & EXCEPTION),
        _ => function,
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Renamed<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Task<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(task, buffer))?;
        if let Some(fresh) = buffer.filled_mut().get_mut(before..) {
            this.inward.walk(fresh, inward);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Renamed<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Task<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.copy.clear();
        this.copy.extend_from_slice(bytes);
        this.outward.clone().walk(&mut this.copy, outward);
        let written = ready!(Pin::new(&mut this.inner).poll_write(task, &this.copy))?;
        if let Some(gone) = this.copy.get_mut(..written) {
            // Only what was written counts; renaming it once more changes nothing.
            this.outward.walk(gone, outward);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(task)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const FLASH: [u8; 12] = [0, 1, 0, 0, 0, 6, 1, 5, 2, 0, 0, 5];
    const READ: [u8; 12] = [0, 2, 0, 0, 0, 6, 1, 2, 0, 5, 0, 5];

    #[tokio::test]
    async fn function_5_has_another_name_on_the_inside_only_wherever_the_stream_is_cut() {
        for piece in 1..=24 {
            let (inside, mut outside) = duplex(piece);
            let mut inside = Renamed::new(inside);
            let mut named: Vec<u8> = [FLASH, READ].concat();
            named[7] = RAW_WRITE_COIL;
            let wire = [FLASH, READ].concat();
            let (sent, expected) = (named.clone(), wire.clone());
            let writing = tokio::spawn(async move {
                inside.write_all(&sent).await.unwrap();
                inside
            });
            let mut got = vec![0; 24];
            outside.read_exact(&mut got).await.unwrap();
            assert_eq!(got, expected, "cut at {piece}");
            let mut inside = writing.await.unwrap();
            tokio::spawn(async move { outside.write_all(&wire).await.unwrap() });
            inside.read_exact(&mut got).await.unwrap();
            assert_eq!(got, named, "cut at {piece}");
        }
    }

    #[test]
    fn exceptions_are_renamed_too() {
        assert_eq!((inward(0x85), outward(0xC5)), (0xC5, 0x85));
        assert_eq!((inward(0x82), outward(0x82)), (0x82, 0x82));
    }
}
