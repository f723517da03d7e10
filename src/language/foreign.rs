//! What people write out of habit from the rest of Python, C, R or a textbook, and what to write here instead.

/// A spelling from elsewhere.
pub(super) struct Foreign {
    pub written: &'static str,
    /// The symbol or word of the language to read on with; None where it is passed over.
    pub stands_for: Option<&'static str>,
    pub help: &'static str,
}

const fn foreign(written: &'static str, stands_for: &'static str, help: &'static str) -> Foreign {
    Foreign { written, stands_for: Some(stands_for), help }
}

const fn passed_over(written: &'static str, help: &'static str) -> Foreign {
    Foreign { written, stands_for: None, help }
}

/// Symbols, the longer ones first.
pub(super) const SYMBOLS: &[Foreign] = &[
    foreign("===", "==", "write `==`"),
    foreign("!==", "!=", "write `!=`"),
    foreign("&&", "and", "write `and`"),
    foreign("||", "or", "write `or`"),
    foreign("<>", "!=", "write `!=`"),
    foreign("=<", "<=", "write `<=`"),
    foreign("=>", ">=", "write `>=`"),
    foreign("<<", "*", "there are no bit operations; write `x * 2**n`"),
    foreign(">>", "/", "there are no bit operations; write `x // 2**n`"),
    foreign("&", "and", "there are no bit operations; write `and`"),
    foreign("|", "or", "there are no bit operations; write `or`, or `abs(x)` for the absolute value"),
    foreign("!", "not", "write `not`; for a factorial, `gamma(n + 1)`"),
    foreign("@", "*", "there are no matrices; write `sum(a[i]*b[i] for i in range(n))`"),
    foreign("≤", "<=", "write `<=`"),
    foreign("≥", ">=", "write `>=`"),
    foreign("≠", "!=", "write `!=`"),
    foreign("×", "*", "write `*`"),
    foreign("·", "*", "write `*`"),
    foreign("⋅", "*", "write `*`"),
    foreign("∗", "*", "write `*`"),
    foreign("÷", "/", "write `/`"),
    foreign("∕", "/", "write `/`"),
    foreign("⁄", "/", "write `/`"),
    foreign("−", "-", "write the minus sign of the keyboard, `-`"),
    foreign("–", "-", "write the minus sign of the keyboard, `-`"),
    foreign("—", "-", "write the minus sign of the keyboard, `-`"),
    foreign("∧", "and", "write `and`"),
    foreign("∨", "or", "write `or`"),
    foreign("¬", "not", "write `not`"),
    passed_over("²", "write `**2`"),
    passed_over("³", "write `**3`"),
    passed_over("√", "write `sqrt(x)`"),
    passed_over("∑", "write `sum(x[i] for i in range(n))`"),
    passed_over("∏", "write `prod(x[i] for i in range(n))`"),
    passed_over("°", "angles are in radians; write `x*pi/180`"),
    passed_over("~", "there are no bit operations; write `not`"),
    passed_over("$", "a name is written alone, without a sign before it"),
    passed_over("\u{a0}", "this is a no-break space; type a plain one"),
    passed_over("\u{202f}", "this is a no-break space; type a plain one"),
    passed_over("\u{200b}", "this is an invisible space; remove it"),
    passed_over("\u{feff}", "this is an invisible byte order mark; remove it"),
];

/// Words of Python that the language does not have: the word, what it would do, and the way out.
pub(super) const WORDS: &[(&str, &str, &str)] = &[
    ("import", "imports are", "every function of the language is known without an import: write `exp(x)`"),
    ("from", "imports are", "every function of the language is known without an import: write `exp(x)`"),
    ("class", "classes are", "write functions with `def`"),
    ("with", "`with` blocks are", ""),
    (
        "try",
        "exceptions are",
        "a value that is no number (NaN) goes on through the formulas; test before: `a if x > 0 else b`",
    ),
    ("except", "exceptions are", ""),
    ("finally", "exceptions are", ""),
    ("raise", "exceptions are", ""),
    ("assert", "assertions are", ""),
    ("global", "`global` is", "a function gives its result by `return`"),
    ("nonlocal", "`nonlocal` is", "a function gives its result by `return`"),
    ("del", "`del` is", "names need not be removed"),
    ("yield", "generators are", "fill a vector: `v = zeros(n)`, `v[i] = …`"),
    ("async", "`async` is", ""),
    ("await", "`await` is", ""),
    ("break", "`break` is", "end a `while` by its condition, or put the rest of the body into an `if`"),
    ("continue", "`continue` is", "put the rest of the body into an `if`"),
    ("None", "`None` is", "every value is a number; `nan` is the one that is missing"),
    ("is", "`is` is", "compare with `==`"),
    ("as", "`as` is", ""),
];

/// Letters that Python reads as another letter (its NFKC form), and that one: two spellings of a name, one of them unseen.
pub(super) fn plain_letter(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{b5}' => "μ",
        '\u{3f5}' => "ε",
        '\u{3d1}' => "θ",
        '\u{3d5}' => "φ",
        '\u{3f0}' => "κ",
        '\u{3f1}' => "ρ",
        '\u{3d6}' => "π",
        '\u{3d2}' => "Υ",
        '\u{2126}' => "Ω",
        '\u{212a}' => "K",
        '\u{212b}' => "Å",
        '\u{210f}' => "ħ",
        '\u{2113}' => "l",
        _ => return None,
    })
}

/// Whether `c` belongs to a block of letters that are only another look of plain ones (`𝛼`, `ₐ`, `ａ`, `ﬁ`, `Ⅳ`).
pub(super) fn is_styled_letter(c: char) -> bool {
    matches!(c, '\u{1d400}'..='\u{1d7ff}' | '\u{ff00}'..='\u{ffef}' | '\u{fb00}'..='\u{fb06}' | '\u{2070}'..='\u{209f}'
        | '\u{2100}'..='\u{218f}' | '\u{2b0}'..='\u{2b8}' | '\u{1d2c}'..='\u{1d6a}' | '\u{24b6}'..='\u{24e9}' | 'ª' | 'º')
}
