//! Which of the several things called symbolic differentiation is meant.

/// How a symbolic derivative is made and kept. The reports name what differs from the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    pub sharing: Sharing,
    /// Whether the derivatives are multiplied out.
    pub expand: bool,
    /// Whether the rules of simplification are applied.
    pub simplify: bool,
    /// Nodes that an expression may have before it is refused.
    pub limit: usize,
}

/// Whether an expression that occurs twice is one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// Never: a tree.
    None,
    /// After the differentiation of a tree.
    After,
    /// All along.
    Throughout,
}

impl Sharing {
    pub const ALL: [Sharing; 3] = [Sharing::None, Sharing::After, Sharing::Throughout];

    /// The words of `ALL`, as the file has them.
    pub const WORDS: &[&str] = &["none", "after", "throughout"];

    pub fn word(self) -> &'static str {
        Sharing::WORDS[self as usize]
    }
}

impl Default for Form {
    fn default() -> Form {
        Form { sharing: Sharing::Throughout, expand: false, simplify: true, limit: 200_000 }
    }
}

impl Form {
    /// What the reports call a differentiation method: `symbolic(sharing=after expand)` where the form of `symbolic` is
    /// not the default one, else the method's name.
    pub fn of(&self, method: &str) -> String {
        let mut words = Vec::new();
        if self.sharing != Sharing::Throughout {
            words.push(format!("sharing={}", self.sharing.word()));
        }
        if self.expand {
            words.push("expand".to_string());
        }
        if !self.simplify {
            words.push("simplify=false".to_string());
        }
        if method == "symbolic" && !words.is_empty() {
            return format!("{method}({})", words.join(" "));
        }
        method.to_string()
    }
}
