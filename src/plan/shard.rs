//! A share of a plan: what one of several processes does of it.

use std::fmt;
use std::str::FromStr;

/// Share `index` of `of`, counted from 0 inside; written `I/N`, with I from 1 to N, where 0 is the same as N: whoever
/// counts from 0 and whoever counts from 1 both get every share once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    /// None for no shares at all, and for an index beyond them.
    pub fn new(index: usize, of: usize) -> Option<Shard> {
        (of > 0 && index <= of).then(|| Shard { index: index % of, of })
    }

    /// How many shares there are.
    pub fn of(self) -> usize {
        self.of
    }

    /// The share, of `of`, that the run at a position of the plan belongs to. Every N runs in a row fall to N shares,
    /// each time in another order, so that no share gets one optimizer only; the shares differ by one run at most.
    pub fn of_run(run: usize, of: usize) -> Option<Shard> {
        Shard::new((run + run.checked_div(of)?) % of, of)
    }

    /// From 1 on.
    pub fn number(self) -> usize {
        if self.index == 0 { self.of } else { self.index }
    }

    /// Whether the run at a position of the plan belongs to it.
    pub fn has(self, run: usize) -> bool {
        Shard::of_run(run, self.of) == Some(self)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number(), self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        let shard = parts.and_then(|(index, of)| Shard::new(index, of));
        shard.ok_or_else(|| format!("`{text}` is no share: write I/N, with I from 1 to N, e.g. 3/8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_whole_and_mixed() {
        for of in 1..=9 {
            for runs in [0, 1, 7, 36, 100] {
                let shards: Vec<Shard> = (1..=of).map(|index| Shard::new(index, of).unwrap()).collect();
                let sizes: Vec<usize> = shards.iter().map(|s| (0..runs).filter(|run| s.has(*run)).count()).collect();
                assert_eq!(sizes.iter().sum::<usize>(), runs);
                assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{runs}/{of}: {sizes:?}");
            }
            // Two optimizers by turns: every share gets both.
            let shard = Shard::new(1, of).unwrap();
            assert!(
                (0..200).any(|run| run % 2 == 0 && shard.has(run))
                    && (0..200).any(|run| run % 2 == 1 && shard.has(run))
            );
        }
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        for text in ["1/1", "3/8", "8/8"] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        assert_eq!("0/8".parse::<Shard>(), "8/8".parse());
        for text in ["", "3", "9/8", "0/0", "-1/2", "a/b", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
