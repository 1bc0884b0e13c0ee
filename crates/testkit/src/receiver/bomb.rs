//! A gzip bomb: a small valid file that unpacks to very many zero bytes (RFC 1951, RFC 1952).

/// The longest repetition that one pair of codes can express (RFC 1951 3.2.5).
const LONGEST_MATCH: usize = 258;

/// A gzip file that unpacks to `bytes` zero bytes, at about 1 : 159.
pub(super) fn zeros(bytes: usize) -> Vec<u8> {
    // Magic, deflate, no flags, no time, no extra flags, unknown system.
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut bits = Bits::default();
    bits.push(0b1, 1); // the last block
    bits.push(0b01, 2); // fixed Huffman codes
    let (matches, singles) = match bytes {
        0 => (0, 0),
        _ => ((bytes - 1) / LONGEST_MATCH, (bytes - 1) % LONGEST_MATCH + 1),
    };
    for _ in 0..singles {
        bits.push_code(0b0011_0000, 8); // literal 0
    }
    for _ in 0..matches {
        bits.push_code(0b1100_0101, 8); // length 258
        bits.push_code(0, 5); // distance 1
    }
    bits.push_code(0, 7); // end of block
    file.extend(bits.bytes);
    file.extend(crc_of_zeros(bytes).to_le_bytes());
    file.extend((bytes as u32).to_le_bytes()); // modulo 2^32, as RFC 1952 has it
    file
}

/// Bits packed from the lowest of each byte upward.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    /// Appends the lowest `count` bits of a number, lowest first.
    fn push(&mut self, number: u32, count: u32) {
        for position in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = u8::from(number >> position & 1 == 1);
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// Appends a Huffman code, which goes highest bit first.
    fn push_code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }
}

/// CRC-32 of so many zero bytes.
fn crc_of_zeros(bytes: usize) -> u32 {
    let table: [u32; 256] = std::array::from_fn(|index| {
        (0..8).fold(index as u32, |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    });
    !(0..bytes).fold(u32::MAX, |crc, _| (crc >> 8) ^ table[(crc & 0xff) as usize])
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn gzip_unpacks_it_to_zeros() {
        for bytes in [0, 1, 258, 259, 1_000_000] {
            let file = zeros(bytes);
            let mut gzip = Command::new("gzip")
                .arg("-dc")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("gzip belongs to every system that runs these tests");
            let mut input = gzip.stdin.take().unwrap();
            let writer = std::thread::spawn(move || input.write_all(&file));
            let output = gzip.wait_with_output().unwrap();
            writer.join().unwrap().unwrap();
            assert!(
                output.status.success(),
                "{bytes}: gzip finds the file damaged"
            );
            assert_eq!(output.stdout.len(), bytes);
            assert!(output.stdout.iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn it_is_small() {
        assert!(zeros(16 * 1024 * 1024).len() < 110_000);
    }
}
