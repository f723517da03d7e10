//! What single instructions do, as macros for `execute`, which does some of them two with one jump.

/// A number becomes `$value` of numbers.
macro_rules! put {
    ($code:ident, $numbers:ident, [$($x:ident = $place:ident),*], $value:expr) => {{
        $(let $x = $numbers[$code.$place as usize];)*
        $numbers[$code.to as usize] = $value;
    }};
}
pub(super) use put;

/// What the instruction of this name does.
macro_rules! one {
    (Add, $code:ident, $n:ident, $l:ident) => {
        put!($code, $n, [x = a, y = b], x + y)
    };
    (Subtract, $code:ident, $n:ident, $l:ident) => {
        put!($code, $n, [x = a, y = b], x - y)
    };
    (Multiply, $code:ident, $n:ident, $l:ident) => {
        put!($code, $n, [x = a, y = b], x * y)
    };
    (AddMultiply, $code:ident, $n:ident, $l:ident) => {
        put!($code, $n, [x = a, y = b, z = c], (x + y) * z)
    };
    (MultiplyAdd, $code:ident, $n:ident, $l:ident) => {
        put!($code, $n, [x = a, y = b, z = c], (x * y) + z)
    };
    (MultiplySubtract, $code:ident, $n:ident, $l:ident) => {
        put!($code, $n, [x = a, y = b, z = c], (x * y) - z)
    };
    (Element, $code:ident, $n:ident, $l:ident) => {
        $n[$code.to as usize] =
            T::element(&$n[$code.a as usize..$code.a as usize + $code.d as usize], $n[$code.b as usize])
    };
    (Replace, $code:ident, $n:ident, $l:ident) => {{
        let (element, index) = ($n[$code.a as usize], $n[$code.b as usize]);
        T::replace(&mut $n[$code.to as usize..$code.to as usize + $code.d as usize], index, element);
    }};
    (AddLL, $code:ident, $n:ident, $l:ident) => {
        each!($n, $l, $code.to, [], [x = $code.a, y = $code.b], [], x + y)
    };
    (SubtractLL, $code:ident, $n:ident, $l:ident) => {
        each!($n, $l, $code.to, [], [x = $code.a, y = $code.b], [], x - y)
    };
    (MultiplyNL, $code:ident, $n:ident, $l:ident) => {
        each!($n, $l, $code.to, [n = $code.a], [x = $code.b], [], n * x)
    };
    (MultiplyAddNLL, $code:ident, $n:ident, $l:ident) => {
        each!($n, $l, $code.to, [n = $code.a], [x = $code.b, y = $code.c], [], (n * x) + y)
    };
    (AddMultiplyLLN, $code:ident, $n:ident, $l:ident) => {
        each!($n, $l, $code.to, [n = $code.c], [x = $code.a, y = $code.b], [], (x + y) * n)
    };
    (AddAddLLL, $code:ident, $n:ident, $l:ident) => {
        each!($n, $l, $code.to, [], [x = $code.a, y = $code.b, z = $code.c], [], (x + y) + z)
    };
    (ProductsNLNL, $code:ident, $n:ident, $l:ident) => {
        each!($n, $l, $code.to, [n = $code.a, m = $code.c], [x = $code.b, y = $code.d], [], (n * x) + (m * y))
    };
    (ProductSpreadNLLN, $code:ident, $n:ident, $l:ident) => {
        each!($n, $l, $code.to, [n = $code.a, m = $code.d], [x = $code.b, test = $code.c], [], {
            (n * x) + if test != 0.0 { m } else { -0.0 }
        })
    };
    (ElementLanes, $code:ident, $n:ident, $l:ident) => {
        $l[$code.to as usize] = match position($n[$code.b as usize].first(), u32::from($code.d)) {
            Some(k) => operand($n, $l, $code.a + k as u16),
            None => [Eight([f64::NAN; 8]); W],
        }
    };
    (ReplaceLanes, $code:ident, $n:ident, $l:ident) => {
        if let Some(k) = position($n[$code.b as usize].first(), u32::from($code.d)) {
            $l[$code.to as usize + k as usize] = operand($n, $l, $code.a);
        }
    };
}
pub(super) use one;
