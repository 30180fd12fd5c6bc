//! Throws damaged bounces at the classifier and says how long the slowest took.
//!
//!     cargo run --release -p e2e --bin bounce_fuzz -- FOLDER [MUTATIONS]
//!
//! FOLDER holds messages (.eml). Each is damaged MUTATIONS times (default 1000): bytes changed, pieces cut, doubled and mixed with
//! those of another message, again from a fixed seed. Ends with an error when one takes longer than two seconds.
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// No message that people or machines write may keep the mail room from the next one for longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Chance from a fixed seed (xorshift), the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap_or(0)
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("usage: bounce_fuzz FOLDER [MUTATIONS]")?;
    let mutations: usize = arguments.next().map_or(Ok(1000), |n| n.parse()).context("MUTATIONS is a number")?;
    let mut paths: Vec<_> =
        std::fs::read_dir(Path::new(&folder))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    let messages: Vec<Vec<u8>> = paths.iter().map(std::fs::read).collect::<std::io::Result<_>>()?;
    if messages.is_empty() {
        bail!("{folder} holds no messages");
    }
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut slowest, mut done) = (Duration::ZERO, 0u64);
    for (message, path) in messages.iter().zip(&paths) {
        for _ in 0..mutations {
            let damaged = damage(message, &messages[chance.below(messages.len())], &mut chance);
            let begun = Instant::now();
            let row = mailout::bounce::classify(&damaged).row();
            let took = begun.elapsed();
            slowest = slowest.max(took);
            done += 1;
            if took > PATIENCE {
                let kept = std::env::temp_dir().join("slow-bounce.eml");
                std::fs::write(&kept, &damaged)?;
                bail!(
                    "{}: {took:?} for {} bytes (kept as {}), kind {}",
                    path.display(),
                    damaged.len(),
                    kept.display(),
                    row[1]
                );
            }
        }
    }
    println!("{done} damaged messages, no panic, the slowest took {slowest:?}");
    Ok(())
}

/// A message with one to six pieces of damage.
fn damage(message: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len());
        let end = (at + chance.below(400)).min(bytes.len());
        match chance.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                for _ in 0..chance.below(50) {
                    bytes.splice(at..at, piece.iter().copied());
                }
            }
            3 => {
                let from = chance.below(other.len());
                let to = (from + chance.below(2000)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            4 => bytes.splice(at..at, (0..chance.below(40)).map(|n| b"<>@:;\r\n =\"\\\0\xff"[n % 13])).for_each(drop),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(chance.below(256)).unwrap_or(0);
                }
            }
        }
    }
    bytes
}
