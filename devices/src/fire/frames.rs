//! The two Modbus TCP frames that the fire road needs, by hand: it leans on no library.

/// The frames that set every one of `coils` to `on`: FC05 for a single coil, FC0F for a run.
pub(crate) fn set_coils(unit: u8, coils: &[u16], on: bool) -> Vec<Vec<u8>> {
    let mut sorted = coils.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut frames = Vec::new();
    let mut rest = sorted.as_slice();
    while let Some(&first) = rest.first() {
        let run = rest.iter().zip(first..=u16::MAX).take_while(|(at, due)| *at == due).count();
        let transaction = u16::try_from(frames.len()).unwrap_or(0);
        frames.push(match run {
            1 => frame(transaction, unit, &write_one(first, on)),
            _ => frame(transaction, unit, &write_run(first, run.min(16), on)),
        });
        rest = rest.get(run.min(16)..).unwrap_or_default();
    }
    frames
}

/// Whether `answer` says that `request` was carried out.
pub(crate) fn confirms(request: &[u8], answer: &[u8]) -> bool {
    // Transaction, protocol, length, unit, function, address and value or quantity.
    answer.len() >= 12
        && answer.get(..4) == request.get(..4)
        && answer.get(6..12) == request.get(6..12)
}

fn write_one(coil: u16, on: bool) -> Vec<u8> {
    let [high, low] = coil.to_be_bytes();
    vec![0x05, high, low, if on { 0xFF } else { 0x00 }, 0x00]
}

fn write_run(first: u16, count: usize, on: bool) -> Vec<u8> {
    let [high, low] = first.to_be_bytes();
    let count = u8::try_from(count).unwrap_or(16);
    let mask = if on { u16::MAX >> (16 - u32::from(count)) } else { 0 };
    let bytes = count.div_ceil(8);
    let mut body = vec![0x0F, high, low, 0x00, count, bytes];
    body.extend(mask.to_le_bytes().iter().take(usize::from(bytes)));
    body
}

fn frame(transaction: u16, unit: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = transaction.to_be_bytes().to_vec();
    frame.extend([0, 0]);
    frame.extend(u16::try_from(body.len() + 1).unwrap_or(u16::MAX).to_be_bytes());
    frame.push(unit);
    frame.extend(body);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_those_of_the_protocol() {
        let one = set_coils(1, &[1], true);
        assert_eq!(one, [[0, 0, 0, 0, 0, 6, 1, 5, 0, 1, 0xFF, 0]]);
        assert_eq!(set_coils(1, &[1], false), [[0, 0, 0, 0, 0, 6, 1, 5, 0, 1, 0, 0]]);
        let run = set_coils(17, &[21, 19, 20, 19], true);
        assert_eq!(run, [[0, 0, 0, 0, 0, 8, 17, 15, 0, 19, 0, 3, 1, 0b111]]);
        let wide: Vec<u16> = (0..18).collect();
        let wide = set_coils(1, &wide, true);
        assert_eq!(wide[0], [0, 0, 0, 0, 0, 9, 1, 15, 0, 0, 0, 16, 2, 0xFF, 0xFF]);
        assert_eq!(wide[1], [0, 1, 0, 0, 0, 8, 1, 15, 0, 16, 0, 2, 1, 0b11]);
        let apart = set_coils(1, &[0, 7], true);
        assert_eq!(apart.len(), 2);
        assert!(set_coils(1, &[u16::MAX], true).len() == 1 && set_coils(1, &[], true).is_empty());
    }

    #[test]
    fn only_the_right_answer_confirms() {
        let request = &set_coils(1, &[1], true)[0];
        assert!(confirms(request, request));
        let run = &set_coils(1, &[1, 2], true)[0];
        assert!(confirms(run, &[0, 0, 0, 0, 0, 6, 1, 15, 0, 1, 0, 2]));
        let exception = [0, 0, 0, 0, 0, 3, 1, 0x85, 2];
        let late = [0, 9, 0, 0, 0, 6, 1, 5, 0, 1, 0xFF, 0];
        assert!(!confirms(request, &exception) && !confirms(request, &late));
    }
}
