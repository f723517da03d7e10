//! What the analysis knows of a value: its number where constants alone decide it, and the parameters that move it.

use std::collections::BTreeMap;

/// A set of parameters by their numbers, one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<u64>);

impl Parameters {
    pub fn one(number: usize) -> Parameters {
        let mut words = vec![0; number / 64 + 1];
        words[number / 64] = 1 << (number % 64);
        Parameters(words)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn add(&mut self, other: &Parameters) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }

    /// In increasing order.
    pub fn numbers(&self) -> Vec<usize> {
        let bits = self.0.iter().enumerate().flat_map(|(k, word)| (0..64).map(move |bit| (64 * k + bit, word >> bit)));
        bits.filter(|(_, shifted)| shifted & 1 == 1).map(|(number, _)| number).collect()
    }
}

/// A number.
///
/// `varies` are the parameters in which it has a derivative other than zero somewhere. A value that depends on a
/// parameter by steps alone does not vary: where it jumps, the step jumps, which was reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalar {
    /// The bits of the number, where constants alone decide it: the same NaN equals itself.
    known: Option<u64>,
    pub varies: Parameters,
}

impl Scalar {
    pub fn known(number: f64) -> Scalar {
        Scalar { known: Some(number.to_bits()), varies: Parameters::default() }
    }

    /// Of no known value.
    pub fn varying(varies: Parameters) -> Scalar {
        Scalar { known: None, varies }
    }

    pub fn number(&self) -> Option<f64> {
        self.known.map(f64::from_bits)
    }

    /// Either of the two.
    pub fn join(&mut self, other: &Scalar) {
        self.known = self.known.filter(|_| self.known == other.known);
        self.varies.add(&other.varies);
    }
}

/// A vector: what moves each element that was written under a known index, and what moves the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    named: BTreeMap<usize, Parameters>,
    others: Parameters,
}

impl Vector {
    pub fn of(others: Parameters) -> Vector {
        Vector { named: BTreeMap::new(), others }
    }

    /// What moves the element; None: any of them.
    pub fn element(&self, index: Option<usize>) -> Parameters {
        let Some(index) = index else {
            return self.named.values().fold(self.others.clone(), |mut all, one| {
                all.add(one);
                all
            });
        };
        self.named.get(&index).unwrap_or(&self.others).clone()
    }

    pub fn write(&mut self, index: Option<usize>, varies: &Parameters) {
        match index {
            Some(index) => _ = self.named.insert(index, varies.clone()),
            None => {
                self.others.add(varies);
                self.named.values_mut().for_each(|one| one.add(varies));
            }
        }
    }

    fn join(&mut self, other: &Vector) {
        let keys: Vec<usize> = self.named.keys().chain(other.named.keys()).copied().collect();
        for key in keys {
            let mut both = self.element(Some(key));
            both.add(&other.element(Some(key)));
            self.named.insert(key, both);
        }
        self.others.add(&other.others);
    }
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Scalar(Scalar),
    Vector(Vector),
}

impl Value {
    /// As one number: of a vector any element.
    pub fn scalar(self) -> Scalar {
        match self {
            Value::Scalar(scalar) => scalar,
            Value::Vector(vector) => Scalar::varying(vector.element(None)),
        }
    }
}

/// Names and what they stand for.
pub type Names = BTreeMap<String, Value>;

/// What names stand for after either of two ways. A name that one way does not have is no number there.
pub fn join(names: &mut Names, other: &Names) {
    let mut theirs_alone = other.clone();
    for (name, mine) in names.iter_mut() {
        match (mine, theirs_alone.remove(name)) {
            (Value::Scalar(mine), Some(Value::Scalar(theirs))) => mine.join(&theirs),
            (Value::Scalar(mine), None) => mine.join(&Scalar::default()),
            (Value::Vector(mine), Some(Value::Vector(theirs))) => mine.join(&theirs),
            // No name is a vector on one way and a number on the other.
            (Value::Vector(_), _) | (Value::Scalar(_), Some(Value::Vector(_))) => {}
        }
    }
    for (name, mut theirs) in theirs_alone {
        if let Value::Scalar(theirs) = &mut theirs {
            theirs.join(&Scalar::default());
        }
        names.insert(name, theirs);
    }
}
