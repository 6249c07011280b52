//! One Modbus board on the fire road: its own blocking connection, opened when it is needed.

use std::{
    io::{Error, ErrorKind, Read, Result, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use super::{
    Outlet,
    frames::{confirms, set_coils},
};

const CONNECT: Duration = Duration::from_millis(150);
const ANSWER: Duration = Duration::from_millis(150);

/// A board and the coils that free the way out.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) address: String,
    pub(crate) unit: u8,
    pub(crate) coils: Vec<u16>,
    pub(crate) stream: Option<TcpStream>,
    /// Whether the last try failed.
    pub(crate) failing: bool,
}

impl Outlet for Board {
    fn tell(&mut self, release: bool) -> bool {
        let done = self.write(release);
        // It is told again and again until it answers; people are told once.
        if let Err(error) = &done
            && !self.failing
        {
            tracing::warn!(board = %self.address, %error, "fire road: the board did not answer");
        }
        self.failing = done.is_err();
        // A late answer must never be taken for a fresh one; and after a reset boards with few
        // places for connections get theirs back.
        if done.is_err() || !release {
            self.stream = None;
        }
        done.is_ok()
    }
}

impl Board {
    fn write(&mut self, release: bool) -> Result<()> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.address)?,
        };
        for frame in set_coils(self.unit, &self.coils, release) {
            stream.write_all(&frame)?;
            let mut answer = [0; 12];
            stream.read_exact(&mut answer)?;
            if !confirms(&frame, &answer) {
                return Err(Error::new(ErrorKind::InvalidData, "the board refused"));
            }
        }
        self.stream = Some(stream);
        Ok(())
    }
}

fn connect(address: &str) -> Result<TcpStream> {
    let mut last = Error::new(ErrorKind::NotFound, "the name has no address");
    for place in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&place, CONNECT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(ANSWER))?;
                stream.set_read_timeout(Some(ANSWER))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
