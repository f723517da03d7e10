//! Random statements: programs in which every name is assigned before it is used, loops end, and values stay in bounds.

use super::Random;

/// What programs are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Additions, products, quotients, remainders, comparisons, roundings: what every machine computes alike.
    Arithmetic,
    /// And the elementary functions.
    Full,
    /// Without what is piecewise constant, and short loops: for derivatives in high precision.
    Smooth,
}

impl Style {
    pub fn functions(self) -> bool {
        self != Style::Arithmetic
    }

    pub fn has_steps(self) -> bool {
        self != Style::Smooth
    }
}

/// The variable of a loop under way.
#[derive(Clone, Debug)]
pub struct Step {
    pub name: String,
    pub least: i64,
    pub greatest: i64,
}

/// A program in the making.
pub struct Writer {
    pub random: Random,
    pub style: Style,
    text: String,
    indent: usize,
    pub names: Vec<String>,
    pub vectors: Vec<(String, usize)>,
    pub steps: Vec<Step>,
    /// Functions of the text with their numbers of arguments.
    pub functions: Vec<(String, usize)>,
    fresh: usize,
    /// How often the statement under way is repeated.
    pub repeats: usize,
}

/// The program of a seed.
pub fn write(seed: u64, style: Style) -> String {
    let mut writer = Writer {
        random: Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)),
        style,
        text: String::new(),
        indent: 0,
        names: Vec::new(),
        vectors: Vec::new(),
        steps: Vec::new(),
        functions: Vec::new(),
        fresh: 0,
        repeats: 1,
    };
    for _ in 0..writer.below(3) {
        writer.function();
    }
    for _ in 0..2 {
        let value = writer.expression(1);
        writer.assign_new(&value);
    }
    for _ in 0..3 + writer.below(4) {
        writer.statement();
    }
    writer.last();
    writer.text
}

/// One of several things.
pub fn choose<T: Clone>(random: &mut Random, things: &[T]) -> T {
    things[(random.bits() >> 33) as usize % things.len()].clone()
}

impl Writer {
    pub fn below(&mut self, count: usize) -> usize {
        (self.random.bits() >> 33) as usize % count
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// Steps of all loops around a statement together.
    pub fn most_repeats(&self) -> usize {
        if self.style == Style::Smooth { 12 } else { 60 }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(&"    ".repeat(self.indent));
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn fresh(&mut self, letter: char) -> String {
        self.fresh += 1;
        format!("{letter}{}", self.fresh)
    }

    fn assign_new(&mut self, value: &str) {
        let name = self.fresh('x');
        self.line(&format!("{name} = {value}"));
        self.names.push(name);
    }

    pub fn enter_step(&mut self, least: i64, greatest: i64, count: usize) -> String {
        let name = self.fresh('i');
        self.steps.push(Step { name: name.clone(), least, greatest });
        self.repeats *= count.max(1);
        name
    }

    pub fn leave_step(&mut self, count: usize) {
        self.steps.pop();
        self.repeats /= count.max(1);
    }

    /// What a block assigns for the first time is not known after it.
    fn block(&mut self, most: usize) {
        let (names, vectors) = (self.names.len(), self.vectors.len());
        self.indent += 1;
        for _ in 0..1 + self.below(most) {
            self.statement();
        }
        self.indent -= 1;
        self.names.truncate(names);
        self.vectors.truncate(vectors);
    }

    fn statement(&mut self) {
        let room = self.repeats * 3 <= self.most_repeats() && self.indent < 4;
        match self.below(16) {
            0 => {
                let value = self.expression(2);
                self.assign_new(&value);
            }
            1..5 => self.update(),
            5..8 if room => self.counted(),
            8 if room => self.bounded(),
            9..11 if self.indent < 3 => self.branch(),
            11 | 12 if self.indent == 0 || room && self.one_in(3) => self.vector(),
            13..16 if !self.vectors.is_empty() => self.element(),
            _ => self.update(),
        }
    }

    /// A new value for a name, in bounds however often it is repeated.
    fn update(&mut self) {
        if self.names.is_empty() {
            let value = self.expression(1);
            return self.assign_new(&value);
        }
        let name = choose(&mut self.random, &self.names);
        let value = self.expression(2);
        let line = match self.below(9) {
            0 | 1 => format!("{name} = 0.5*{name} + 0.25*({value})"),
            2 => format!("{name} += 0.125*({})", self.small(1)),
            3 => format!("{name} -= ({value})/(2 + abs({name}))"),
            4 => format!("{name} *= 0.75 + 0.125*{}", self.small(1)),
            5 => format!("{name} /= 1.5 + abs({value})"),
            6 if self.style.has_steps() => format!("{name} {}= 2.5", ["%", "//"][self.below(2)]),
            7 => format!("{name} = {}", self.small(2)),
            _ => format!("{name} = ({value})/(1.5 + {name}*{name})"),
        };
        self.line(&line);
    }

    /// `for` up, down, by steps, over a vector, or as far as the loop around it has come.
    fn counted(&mut self) {
        let most = if self.style == Style::Smooth { 3 } else { 6 };
        let count = 1 + self.below(most);
        let n = count as i64;
        let (which, empty) = (self.below(7), self.one_in(4));
        let (vector, step) = (self.vectors.last(), self.steps.last());
        let (range, least, greatest, count) = match (which, vector, step) {
            (0, _, _) => (format!("range({n}, 0, -1)"), 1, n, count),
            (1, _, _) => (format!("range(1, {})", n + 1), 1, n, count),
            (2, _, _) => (format!("range({}, -1, -2)", 2 * n - 1), 1, 2 * n - 1, count),
            (3, Some((name, size)), _) => (format!("range(len({name}))"), 0, *size as i64 - 1, *size),
            (4, Some((name, size)), _) if *size > 1 => {
                (format!("range(1, len({name}))"), 1, *size as i64 - 1, size - 1)
            }
            (5, _, Some(step)) if step.least >= 0 && step.greatest < 4 => {
                (format!("range({} + 1)", step.name), 0, step.greatest, step.greatest as usize + 1)
            }
            (6, _, _) if empty => ("range(2, 0)".into(), 0, 0, 1),
            _ => (format!("range({n})"), 0, n - 1, count),
        };
        let name = self.enter_step(least, greatest, count);
        self.line(&format!("for {name} in {range}:"));
        self.block(3);
        self.leave_step(count);
    }

    /// `while`, ended by a counter at the latest.
    fn bounded(&mut self) {
        if self.names.is_empty() {
            return self.update();
        }
        let (counter, name) = (self.fresh('k'), choose(&mut self.random, &self.names));
        let most = 2 + self.below(3);
        self.line(&format!("{counter} = 0"));
        let test = match self.below(3) {
            0 => format!("abs({name}) > 0.25"),
            1 => format!("{name} < {}", self.leaf()),
            _ => self.test(1),
        };
        self.line(&format!("while {counter} < {most} and ({test}):"));
        self.indent += 1;
        self.line(&format!("at_most({most})"));
        let leaf = self.leaf();
        self.line(&format!("{name} = 0.5*{name} + {leaf}"));
        self.line(&format!("{counter} += 1"));
        self.indent -= 1;
        self.repeats *= most;
        self.block(2);
        self.repeats /= most;
        if self.one_in(2) {
            self.names.push(counter);
        }
    }

    fn branch(&mut self) {
        // A name that every side assigns is known afterwards.
        let name = self.one_in(2).then(|| self.fresh('x'));
        let both = name.is_some();
        let side = |writer: &mut Writer| {
            if let Some(name) = &name {
                let value = writer.expression(1);
                writer.indent += 1;
                writer.line(&format!("{name} = {value}"));
                writer.indent -= 1;
            }
            if !both || writer.one_in(2) {
                writer.block(2);
            }
        };
        let test = self.test(2);
        self.line(&format!("if {test}:"));
        side(self);
        while self.one_in(3) {
            let test = self.test(1);
            self.line(&format!("elif {test}:"));
            side(self);
        }
        if both || self.one_in(2) {
            self.line("else:");
            side(self);
        }
        self.names.extend(name);
    }

    /// A vector of zeros, most often filled in a loop.
    fn vector(&mut self) {
        let size = 2 + self.below(3);
        let name = self.fresh('v');
        self.line(&format!("{name} = zeros({size})"));
        self.vectors.push((name.clone(), size));
        if self.repeats * size <= self.most_repeats() && !self.one_in(4) {
            let step = self.enter_step(0, size as i64 - 1, size);
            self.line(&format!("for {step} in range(len({name})):"));
            self.indent += 1;
            let value = self.expression(2);
            self.line(&format!("{name}[{step}] = {value}"));
            self.indent -= 1;
            self.leave_step(size);
        }
    }

    fn element(&mut self) {
        let (name, size) = choose(&mut self.random, &self.vectors);
        let index = self.index(size);
        let line = match self.below(4) {
            0 => format!("{name}[{index}] += 0.5*{}", self.small(1)),
            1 => format!("{name}[{index}] *= {}", self.small(1)),
            2 => format!("{name}[{index}] = 0.5*{name}[{index}] - {}", self.small(1)),
            _ => format!("{name}[{index}] = {}", self.small(2)),
        };
        self.line(&line);
    }

    /// A function with early returns, with names of its own.
    fn function(&mut self) {
        let name = self.fresh('f');
        let arguments: Vec<String> = (0..1 + self.below(3)).map(|_| self.fresh('q')).collect();
        self.line(&format!("def {name}({}):", arguments.join(", ")));
        let outside = std::mem::replace(&mut self.names, arguments.clone());
        self.indent += 1;
        let value = self.expression(1);
        self.assign_new(&value);
        if !self.one_in(3) {
            let test = self.test(1);
            self.line(&format!("if {test}:"));
            self.indent += 1;
            if self.one_in(3) {
                self.update();
            }
            let value = self.expression(1);
            self.line(&format!("return {value}"));
            self.indent -= 1;
            if self.one_in(3) {
                let (test, value) = (self.test(1), self.expression(1));
                self.line(&format!("elif {test}:"));
                self.indent += 1;
                self.line(&format!("return {value}"));
                self.indent -= 1;
            }
        }
        if self.one_in(2) {
            // Called in loops: short ones.
            self.repeats *= 4;
            self.counted();
            self.repeats /= 4;
        }
        let value = self.expression(2);
        self.line(&format!("return {value}"));
        self.indent -= 1;
        self.names = outside;
        self.functions.push((name, arguments.len()));
    }

    /// What everything comes to.
    fn last(&mut self) {
        let mut terms: Vec<String> = self.names.iter().rev().take(3).cloned().collect();
        for (name, _) in &self.vectors {
            terms.push(format!("sum({name})"));
        }
        if self.one_in(2) {
            terms.push(self.expression(2));
        }
        let line = format!("y = {}", terms.join(" + "));
        self.line(&line);
    }
}
