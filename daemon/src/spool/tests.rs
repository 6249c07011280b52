use std::io::{PipeReader, Read};

use super::*;

/// A stream into a pipe, and its other end.
fn piped(place: &'static OnceLock<Stream>) -> (&'static Stream, PipeReader) {
    let (reads, writes) = io::pipe().unwrap();
    begin(place, "test", writes).unwrap();
    (place.get().unwrap(), reads)
}

fn line(number: usize) -> Vec<u8> {
    format!("{number:>100}\n").into_bytes()
}

fn rests(stream: &Stream) -> bool {
    let since = Instant::now();
    while stream.waiting.load(Ordering::Acquire) > 0 && since.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(1));
    }
    stream.waiting.load(Ordering::Acquire) == 0
}

#[test]
fn a_pipe_that_nobody_reads_costs_lines_and_no_time() {
    static PIPE: OnceLock<Stream> = OnceLock::new();
    const LINES: usize = 50_000;
    let (stream, mut reads) = piped(&PIPE);
    let since = Instant::now();
    for number in 0..LINES {
        stream.take(line(number));
    }
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    let lost = stream.lost.load(Ordering::Relaxed) as usize;
    assert!(lost > 0 && lost < LINES, "{lost}");
    // Somebody reads again: all that was taken comes, whole and in order.
    let size = (LINES - lost) * line(0).len();
    let reading = thread::spawn(move || {
        let mut text = vec![0; size];
        reads.read_exact(&mut text).map(|()| (text, reads))
    });
    let (text, _reads) = reading.join().unwrap().unwrap();
    assert!(rests(stream));
    let numbers: Vec<usize> =
        String::from_utf8(text).unwrap().lines().map(|line| line.trim().parse().unwrap()).collect();
    assert!(numbers.is_sorted() && numbers[0] == 0, "whole lines in order");
    assert_eq!(stream.lost.load(Ordering::Relaxed), 0, "what was lost is told once");
}

#[test]
fn a_line_that_is_larger_than_the_spool_is_lost_and_the_next_one_comes() {
    static PIPE: OnceLock<Stream> = OnceLock::new();
    let (stream, mut reads) = piped(&PIPE);
    stream.take(vec![b'x'; BYTES_MAX + 1]);
    assert_eq!(stream.lost.load(Ordering::Relaxed), 1);
    stream.take(b"next\n".to_vec());
    let mut text = [0; 5];
    reads.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"next\n");
}

#[test]
fn whoever_reads_may_go_away_and_a_disk_may_be_full() {
    static PIPE: OnceLock<Stream> = OnceLock::new();
    static FULL: OnceLock<Stream> = OnceLock::new();
    let (gone, reads) = piped(&PIPE);
    drop(reads);
    begin(&FULL, "full", std::fs::File::options().write(true).open("/dev/full").unwrap()).unwrap();
    for stream in [gone, FULL.get().unwrap()] {
        for number in 0..20 {
            stream.take(line(number));
        }
        assert!(rests(stream));
        assert_eq!(stream.lost.load(Ordering::Relaxed), 20);
        assert!(stream.broken.load(Ordering::Relaxed));
    }
}
