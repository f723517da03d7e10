//! Identity is content: the checksums of what determines the numbers of runs, and of what determines their programs.

use sha2::{Digest, Sha256};

use crate::experiment::{Data, Experiment};

/// Goes into every identity: to be raised when a run of the same settings gives other numbers.
const VERSION: &str = "sbi-run 2";

/// Hash of what all runs of a combination share: everything that can change their numbers, and nothing else. The data
/// count by their checksum, wherever they lie.
pub(super) fn of_combination(experiment: &Experiment) -> [u8; 32] {
    let mut table = experiment.resolved.clone();
    for key in ["title", "about", "reference", "sweep", "expected", "optimizer", "engine"] {
        table.remove(key);
    }
    let inner = |table: &mut toml::Table, section: &str, keys: &[&str]| {
        if let Some(section) = table.get_mut(section).and_then(toml::Value::as_table_mut) {
            keys.iter().for_each(|key| _ = section.remove(*key));
        }
    };
    inner(&mut table, "differentiation", &["methods", "compare"]);
    inner(&mut table, "data", &["file"]);
    let parameters = table.get_mut("parameters").and_then(toml::Value::as_table_mut);
    for (_, parameter) in parameters.into_iter().flat_map(|table| table.iter_mut()) {
        if let Some(parameter) = parameter.as_table_mut() {
            parameter.remove("unit");
            parameter.remove("reference");
        }
    }
    let mut hash = Sha256::new();
    let mut feed = |bytes: &[u8]| hash.update(bytes);
    absorb(&mut feed, &VERSION.into());
    absorb(&mut feed, &table.into());
    if let Data::Measured(data) = &experiment.data {
        absorb(&mut feed, &data.checksum.clone().unwrap_or_default().into());
    }
    hash.finalize().into()
}

/// Has taken in everything that determines the numbers of some runs but the repeat.
pub(super) struct Key(Sha256);

impl Key {
    /// Of a combination (`of_combination`), and of an optimizer with a method as bytes.
    pub fn of(combination: &[u8; 32], way: &[u8]) -> Key {
        let mut hash = Sha256::new();
        hash.update(combination);
        hash.update(way);
        Key(hash)
    }

    /// The identity of a run.
    pub fn identity(&self, repeat: usize) -> [u8; 32] {
        let mut hash = self.0.clone();
        absorb(&mut |bytes| hash.update(bytes), &(repeat as i64).into());
        hash.finalize().into()
    }
}

/// Hash of what the programs of a combination follow from, and what is compiled of them: optimizers, budget and intervals
/// do not reach them, nor does the seed where the data are measured.
pub fn of_programs(experiment: &Experiment) -> [u8; 32] {
    let apart = ["title", "about", "reference", "sweep", "expected", "optimizer", "budget", "intervals"];
    let seeded = matches!(experiment.data, Data::Synthetic { .. });
    let mut hash = Sha256::new();
    let mut feed = |bytes: &[u8]| hash.update(bytes);
    for (key, value) in &experiment.resolved {
        if !apart.contains(&key.as_str()) && (seeded || key != "seed") {
            absorb(&mut feed, &key.clone().into());
            absorb(&mut feed, value);
        }
    }
    if let Data::Measured(data) = &experiment.data {
        absorb(&mut feed, &data.checksum.clone().unwrap_or_default().into());
    }
    hash.finalize().into()
}

/// Feeds a value to a hash so that no two values feed the same bytes.
pub(super) fn absorb(feed: &mut dyn FnMut(&[u8]), value: &toml::Value) {
    let mut part = |tag: u8, bytes: &[u8]| {
        feed(&[tag]);
        feed(&(bytes.len() as u64).to_le_bytes());
        feed(bytes);
    };
    match value {
        toml::Value::String(text) => part(b's', text.as_bytes()),
        toml::Value::Integer(integer) => part(b'i', &integer.to_le_bytes()),
        toml::Value::Float(number) => part(b'f', &number.to_bits().to_le_bytes()),
        toml::Value::Boolean(flag) => part(b'b', &[u8::from(*flag)]),
        toml::Value::Datetime(date) => part(b'd', date.to_string().as_bytes()),
        toml::Value::Array(values) => {
            part(b'a', &(values.len() as u64).to_le_bytes());
            values.iter().for_each(|value| absorb(feed, value));
        }
        toml::Value::Table(table) => {
            part(b't', &(table.len() as u64).to_le_bytes());
            for (key, value) in table {
                absorb(feed, &key.clone().into());
                absorb(feed, value);
            }
        }
    }
}
