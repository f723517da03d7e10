//! Rust source as the tidiness tests see it: without comments, without texts, and without what is compiled only for tests.

/// The source with comments, texts and characters blanked, line by line as long as before.
pub fn bare(source: &str) -> String {
    let bytes: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut i = 0;
    let blank =
        |out: &mut String, part: &[char]| part.iter().for_each(|c| out.push(if *c == '\n' { '\n' } else { ' ' }));
    while i < bytes.len() {
        let rest = &bytes[i..];
        let length = comment(rest).or_else(|| text(rest, i > 0 && is_word(bytes[i - 1]))).or_else(|| character(rest));
        match length {
            Some(length) => {
                blank(&mut out, &rest[..length]);
                i += length;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn comment(rest: &[char]) -> Option<usize> {
    match rest {
        ['/', '/', ..] => Some(rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => {
            let (mut depth, mut i) = (0, 0);
            while i + 1 < rest.len() {
                match (rest[i], rest[i + 1]) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 {
                    return Some(i);
                }
            }
            Some(rest.len())
        }
        _ => None,
    }
}

fn text(rest: &[char], after_word: bool) -> Option<usize> {
    let prefix = rest.iter().take_while(|c| matches!(c, 'r' | 'b' | 'c')).count();
    if prefix > 2 || (prefix > 0 && after_word) {
        return None;
    }
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    if rest.get(prefix + hashes) != Some(&'"') {
        return None;
    }
    let raw = rest[..prefix].contains(&'r');
    if hashes > 0 && !raw {
        return None;
    }
    let mut i = prefix + hashes + 1;
    while i < rest.len() {
        match rest[i] {
            '\\' if !raw => i += 2,
            '"' if rest[i + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes => {
                return Some(i + 1 + hashes);
            }
            _ => i += 1,
        }
    }
    Some(rest.len())
}

/// A character, not a lifetime.
fn character(rest: &[char]) -> Option<usize> {
    match rest {
        ['\'', '\\', ..] => rest[3..].iter().position(|c| *c == '\'').map(|end| end + 4),
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

/// What is compiled outside tests, and the names of the modules in files of their own that only tests have. Takes and
/// gives bare source.
pub fn without_tests(bare: &str) -> (String, Vec<String>) {
    const MARK: &str = "#[cfg(test)]";
    let (mut out, mut modules, mut rest) = (String::new(), Vec::new(), bare);
    while let Some(start) = rest.find(MARK) {
        out.push_str(&rest[..start]);
        let item = &rest[start + MARK.len()..];
        let end = item_end(item);
        let words: Vec<&str> = item[..end].split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).collect();
        if let Some(place) = words.iter().position(|word| *word == "mod")
            && item[..end].ends_with(';')
        {
            modules.push(words[place + 1].to_string());
        }
        rest = &item[end..];
    }
    out.push_str(rest);
    (out, modules)
}

/// Where an item ends: at its semicolon, or at the brace that closes its body.
fn item_end(item: &str) -> usize {
    let mut depth = 0;
    for (at, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

/// Every place where a word stands by itself in bare source: its line, from 1.
pub fn lines_with(bare: &str, word: &str) -> Vec<usize> {
    let edge = |c: Option<char>| c.is_none_or(|c| !is_word(c));
    let inner = |at: usize| {
        let first = word.chars().next().is_some_and(is_word);
        let last = word.chars().last().is_some_and(is_word);
        (!first || edge(bare[..at].chars().last())) && (!last || edge(bare[at + word.len()..].chars().next()))
    };
    bare.match_indices(word).filter(|(at, _)| inner(*at)).map(|(at, _)| 1 + bare[..at].matches('\n').count()).collect()
}

/// The first names after `crate::`, groups included: the rooms that bare source imports.
pub fn imports(bare: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in bare.match_indices("crate::") {
        if bare[..at].chars().last().is_some_and(|c| is_word(c) || c == '$') {
            continue;
        }
        let rest = bare[at + "crate::".len()..].trim_start();
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut name) = (0, String::new());
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut name)),
                    _ if depth == 0 => name.push(c),
                    _ => {}
                }
            }
            found.push(name);
        } else {
            found.push(rest.to_string());
        }
    }
    let first = |path: String| path.trim().chars().take_while(|c| is_word(*c)).collect::<String>();
    found.into_iter().map(first).filter(|name| !name.is_empty()).collect()
}

#[test]
fn source_is_read_as_rust_reads_it() {
    let source = "// crate::a\nuse crate::{b, c::{d, e}, f as g};\nfn h<'a>(x: &'a str) { let _ = \"crate::i \\\" \"; \
                  let _ = r#\"crate::j \"#; let _ = '\"'; crate::k::l(); }\n#[cfg(test)]\nmod tests { use crate::m; }\n\
                  #[cfg(test)]\nmod apart;\nuse crate::n::o; /* crate::p /* */ */ $crate::q";
    let (code, modules) = without_tests(&bare(source));
    assert_eq!(imports(&code), ["b", "c", "f", "k", "n"]);
    assert_eq!(modules, ["apart"]);
    assert_eq!(lines_with("unsafe_code\nx unsafe {", "unsafe"), [2]);
}
