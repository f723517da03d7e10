//! Random expressions over the names that a program has so far, inside the domains of their functions.

use super::writer::{Style, Writer, choose};

impl Writer {
    /// An expression; deeper ones have more operators.
    pub fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.leaf();
        }
        let d = depth - 1;
        let functions = self.style.functions();
        match self.below(if functions { 34 } else { 24 }) {
            0..8 => {
                let operator = ["+", "-", "*", "*", "+", "-"][self.below(6)];
                let (left, right) = (self.expression(d), self.expression(self.less(d)));
                // Some without brackets, for the precedence of operators.
                if self.one_in(3) {
                    format!("{left} {operator} {right}")
                } else {
                    format!("({left} {operator} {right})")
                }
            }
            8 => format!("{} / {}", self.bracketed(d), self.positive(self.less(d))),
            9 => format!("-{}", self.bracketed(d)),
            10 | 11 => format!("({} if {} else {})", self.expression(d), self.test(d), self.expression(d)),
            12 if self.style.has_steps() => {
                let operator = if self.one_in(2) { "%" } else { "//" };
                format!("{} {operator} {}", self.bracketed(d), self.divisor(d))
            }
            13 => {
                let name = if self.one_in(2) { "min" } else { "max" };
                let third = if self.one_in(4) { format!(", {}", self.expression(self.less(d))) } else { String::new() };
                format!("{name}({}, {}{third})", self.expression(d), self.expression(d))
            }
            14 => format!("abs({})", self.expression(d)),
            15 if self.style.has_steps() => {
                let name = ["floor", "ceil", "round"][self.below(3)];
                format!("{name}({})", self.expression(d))
            }
            16 => format!("({})", self.test(d)),
            17 => {
                let operator = if self.one_in(2) { "and" } else { "or" };
                format!("({} {operator} {})", self.expression(d), self.expression(d))
            }
            18 | 19 => self.comprehension(d),
            20..23 => self.call(d).unwrap_or_else(|| self.leaf()),
            23..27 if functions => {
                let name = ["sin", "cos", "tanh", "atan", "sigmoid", "erf"][self.below(6)];
                format!("{name}({})", self.expression(d))
            }
            27 | 28 if functions => {
                let name = ["sqrt", "log", "cbrt", "log1p", "lgamma", "log2", "log10"][self.below(7)];
                format!("{name}({})", self.positive(d))
            }
            29 if functions => {
                let name = ["exp", "expm1", "sinh", "cosh", "asinh", "softplus"][self.below(6)];
                format!("{name}({})", self.small(d))
            }
            30 if functions => format!("{}**{}", self.bracketed(d), ["2", "3", "4", "(1 + 1)"][self.below(4)]),
            31 if functions => {
                let exponent = ["0.5", "1.5", "-1", "-2", "-0.25", "sin(t)", "c"][self.below(7)];
                format!("{}**{exponent}", self.positive(d))
            }
            32 if functions => format!("hypot({}, {})", self.expression(d), self.positive(self.less(d))),
            33 if functions => format!("atan2({}, {})", self.expression(d), self.positive(self.less(d))),
            _ => self.leaf(),
        }
    }

    fn less(&self, depth: usize) -> usize {
        depth.saturating_sub(1)
    }

    fn bracketed(&mut self, depth: usize) -> String {
        if depth == 0 { self.leaf() } else { format!("({})", self.expression(depth)) }
    }

    /// Above a half.
    fn positive(&mut self, depth: usize) -> String {
        let inner = self.bracketed(depth);
        if self.one_in(2) { format!("(0.5 + abs({inner}))") } else { format!("(0.75 + {inner}*{inner})") }
    }

    /// Not zero, of either sign.
    fn divisor(&mut self, depth: usize) -> String {
        match self.below(4) {
            0 => "2".into(),
            1 => "-1.5".into(),
            2 => format!("(-{})", self.positive(self.less(depth))),
            _ => self.positive(self.less(depth)),
        }
    }

    /// Not large.
    pub fn small(&mut self, depth: usize) -> String {
        let inner = self.expression(depth);
        match self.below(3) {
            0 if self.style.functions() => format!("sin({inner})"),
            1 if self.style.functions() => format!("tanh({inner})"),
            2 if self.style.has_steps() => format!("(({inner}) % 3)"),
            _ => format!("min(max({inner}, -2), 2)"),
        }
    }

    pub fn test(&mut self, depth: usize) -> String {
        let compare = |writer: &mut Writer| ["<", "<=", ">", ">=", "<", ">", "!=", "=="][writer.below(8)];
        let d = self.less(depth);
        match self.below(10) {
            0..6 => format!("{} {} {}", self.bracketed(d), compare(self), self.bracketed(d)),
            6 => {
                let (low, middle, high) = (self.bracketed(d), self.bracketed(d), self.bracketed(d));
                format!("{low} {} {middle} {} {high}", compare(self), compare(self))
            }
            7 => format!("not {}", self.bracketed(d)),
            8 => format!("t > {} and {} < u", self.number(), self.leaf()),
            _ => format!("a < {} or {} > {}", self.number(), self.leaf(), self.leaf()),
        }
    }

    fn number(&mut self) -> String {
        ["0.5", "1", "2", "-1.25", "0.1", "3", "1e-1", "0.75", "-2", "1.5"][self.below(10)].into()
    }

    pub fn leaf(&mut self) -> String {
        match self.below(12) {
            0 | 1 => self.number(),
            2 | 3 => ["a", "b", "c", "a", "b"][self.below(5)].into(),
            4 | 5 => ["t", "u"][self.below(2)].into(),
            6 => self.element_of("p", super::ELEMENTS),
            7 | 8 if !self.vectors.is_empty() => {
                let (name, size) = choose(&mut self.random, &self.vectors);
                self.element_of(&name, size)
            }
            9 if !self.steps.is_empty() => choose(&mut self.random, &self.steps).name,
            _ if !self.names.is_empty() => choose(&mut self.random, &self.names),
            _ => "t".into(),
        }
    }

    fn element_of(&mut self, name: &str, size: usize) -> String {
        format!("{name}[{}]", self.index(size))
    }

    /// An index into a vector: constant, negative, by the variable of a loop, or computed.
    pub fn index(&mut self, size: usize) -> String {
        let n = size as i64;
        if !self.steps.is_empty() && !self.one_in(3) {
            let step = choose(&mut self.random, &self.steps);
            let name = &step.name;
            let inside = step.least >= -n && step.greatest < n;
            return match self.below(4) {
                0 | 1 if inside => name.clone(),
                2 if step.least > 0 && step.greatest <= n => format!("{name} - 1"),
                2 if step.least >= 0 && step.greatest < n => format!("-1 - {name}"),
                3 if step.least >= 0 && step.greatest < 2 * n => format!("{name} // 2"),
                _ => format!("({name} + {}) % {size}", self.below(3)),
            };
        }
        match self.below(6) {
            0 => format!("-{}", 1 + self.below(size)),
            1 if self.style.has_steps() => format!("floor(3*t) % {size}"),
            _ => self.below(size).to_string(),
        }
    }

    /// `sum(… for i in range(…))`.
    fn comprehension(&mut self, depth: usize) -> String {
        let kind = if self.one_in(4) { "prod" } else { "sum" };
        if self.repeats * 4 > self.most_repeats() {
            return self.leaf();
        }
        let vector = self.vectors.iter().max_by_key(|(_, size)| *size).cloned();
        let (range, count) = match vector {
            Some((name, size)) if self.one_in(2) => (format!("len({name})"), size),
            _ => {
                let count = 2 + self.below(2);
                (count.to_string(), count)
            }
        };
        let name = self.enter_step(0, count as i64 - 1, count);
        let element = self.expression(depth.min(1));
        self.leave_step(count);
        let element = if kind == "prod" { format!("(0.5 + 0.25*({element}))") } else { element };
        format!("{kind}({element} for {name} in range({range}))")
    }

    fn call(&mut self, depth: usize) -> Option<String> {
        if self.functions.is_empty() || self.style == Style::Full && self.one_in(3) {
            return None;
        }
        let (name, count) = choose(&mut self.random, &self.functions);
        let arguments: Vec<String> = (0..count).map(|_| self.expression(depth.min(1))).collect();
        Some(format!("{name}({})", arguments.join(", ")))
    }
}
