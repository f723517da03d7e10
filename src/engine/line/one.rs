//! What single instructions do, as macros for `execute`.

/// The operations of `+ - *` on numbers, for a macro that is given them behind what else it is given. Of each: itself; those
/// whose first, second, third operand is the result of the instruction before, handed on; and the same again whose own
/// result is only handed on, and stored nowhere.
macro_rules! arithmetic {
    ($then:ident, $($given:tt)*) => {
        $then! {
            [$($given)*]
            two: [
                Add AddX AddY, AddOn AddXOn AddYOn, (x, y) x + y;
                Subtract SubtractX SubtractY, SubtractOn SubtractXOn SubtractYOn, (x, y) x - y;
                Multiply MultiplyX MultiplyY, MultiplyOn MultiplyXOn MultiplyYOn, (x, y) x * y;
            ]
            three: [
                AddAdd AddAddX AddAddY AddAddZ, AddAddOn AddAddXOn AddAddYOn AddAddZOn, (x, y, z) (x + y) + z;
                AddSubtract AddSubtractX AddSubtractY AddSubtractZ, AddSubtractOn AddSubtractXOn AddSubtractYOn AddSubtractZOn, (x, y, z) (x + y) - z;
                AddFrom AddFromX AddFromY AddFromZ, AddFromOn AddFromXOn AddFromYOn AddFromZOn, (x, y, z) z - (x + y);
                AddMultiply AddMultiplyX AddMultiplyY AddMultiplyZ, AddMultiplyOn AddMultiplyXOn AddMultiplyYOn AddMultiplyZOn, (x, y, z) (x + y) * z;
                SubtractAdd SubtractAddX SubtractAddY SubtractAddZ, SubtractAddOn SubtractAddXOn SubtractAddYOn SubtractAddZOn, (x, y, z) (x - y) + z;
                SubtractSubtract SubtractSubtractX SubtractSubtractY SubtractSubtractZ, SubtractSubtractOn SubtractSubtractXOn SubtractSubtractYOn SubtractSubtractZOn, (x, y, z) (x - y) - z;
                SubtractFrom SubtractFromX SubtractFromY SubtractFromZ, SubtractFromOn SubtractFromXOn SubtractFromYOn SubtractFromZOn, (x, y, z) z - (x - y);
                SubtractMultiply SubtractMultiplyX SubtractMultiplyY SubtractMultiplyZ, SubtractMultiplyOn SubtractMultiplyXOn SubtractMultiplyYOn SubtractMultiplyZOn, (x, y, z) (x - y) * z;
                MultiplyAdd MultiplyAddX MultiplyAddY MultiplyAddZ, MultiplyAddOn MultiplyAddXOn MultiplyAddYOn MultiplyAddZOn, (x, y, z) (x * y) + z;
                MultiplySubtract MultiplySubtractX MultiplySubtractY MultiplySubtractZ, MultiplySubtractOn MultiplySubtractXOn MultiplySubtractYOn MultiplySubtractZOn, (x, y, z) (x * y) - z;
                MultiplyFrom MultiplyFromX MultiplyFromY MultiplyFromZ, MultiplyFromOn MultiplyFromXOn MultiplyFromYOn MultiplyFromZOn, (x, y, z) z - (x * y);
                MultiplyMultiply MultiplyMultiplyX MultiplyMultiplyY MultiplyMultiplyZ, MultiplyMultiplyOn MultiplyMultiplyXOn MultiplyMultiplyYOn MultiplyMultiplyZOn, (x, y, z) (x * y) * z;
            ]
        }
    };
}
pub(super) use arithmetic;

/// Does one instruction: arithmetic, or what the other arms say.
macro_rules! dispatch {
    (
        [$code:ident, $numbers:ident, $last:ident, { $($others:tt)* }]
        two: [$($f:ident $fx:ident $fy:ident, $fo:ident $fxo:ident $fyo:ident, ($x:ident, $y:ident) $two:expr;)*]
        three: [$(
            $g:ident $gx:ident $gy:ident $gz:ident, $go:ident $gxo:ident $gyo:ident $gzo:ident,
            ($u:ident, $v:ident, $w:ident) $three:expr;
        )*]
    ) => {
        match $code.op {
            $(
                Do::$f => result!($code, $numbers, $last, [$x = a, $y = b], [], $two, to),
                Do::$fx => result!($code, $numbers, $last, [$y = b], [$x], $two, to),
                Do::$fy => result!($code, $numbers, $last, [$x = a], [$y], $two, to),
                Do::$fo => result!($code, $numbers, $last, [$x = a, $y = b], [], $two),
                Do::$fxo => result!($code, $numbers, $last, [$y = b], [$x], $two),
                Do::$fyo => result!($code, $numbers, $last, [$x = a], [$y], $two),
            )*
            $(
                Do::$g => result!($code, $numbers, $last, [$u = a, $v = b, $w = c], [], $three, to),
                Do::$gx => result!($code, $numbers, $last, [$v = b, $w = c], [$u], $three, to),
                Do::$gy => result!($code, $numbers, $last, [$u = a, $w = c], [$v], $three, to),
                Do::$gz => result!($code, $numbers, $last, [$u = a, $v = b], [$w], $three, to),
                Do::$go => result!($code, $numbers, $last, [$u = a, $v = b, $w = c], [], $three),
                Do::$gxo => result!($code, $numbers, $last, [$v = b, $w = c], [$u], $three),
                Do::$gyo => result!($code, $numbers, $last, [$u = a, $w = c], [$v], $three),
                Do::$gzo => result!($code, $numbers, $last, [$u = a, $v = b], [$w], $three),
            )*
            $($others)*
        }
    };
}
pub(super) use dispatch;

/// Does one instruction whose operands and result all have their places: arithmetic, or what the other arms say.
macro_rules! stored {
    (
        [$code:ident, $numbers:ident, { $($others:tt)* }]
        two: [$($f:ident $fx:ident $fy:ident, $fo:ident $fxo:ident $fyo:ident, ($x:ident, $y:ident) $two:expr;)*]
        three: [$(
            $g:ident $gx:ident $gy:ident $gz:ident, $go:ident $gxo:ident $gyo:ident $gzo:ident,
            ($u:ident, $v:ident, $w:ident) $three:expr;
        )*]
    ) => {
        match $code.op {
            $(Do::$f => put!($code, $numbers, [$x = a, $y = b], $two),)*
            $(Do::$g => put!($code, $numbers, [$u = a, $v = b, $w = c], $three),)*
            $($others)*
            // What is handed on is in no list of these. Each is named: a check less for each instruction.
            $(Do::$fx | Do::$fy | Do::$fo | Do::$fxo | Do::$fyo => {})*
            $(Do::$gx | Do::$gy | Do::$gz | Do::$go | Do::$gxo | Do::$gyo | Do::$gzo => {})*
        }
    };
}
pub(super) use stored;

/// The value of numbers, of which one may be handed on.
macro_rules! result {
    (
        $code:ident, $numbers:ident, $last:ident,
        [$($x:ident = $place:ident),*], [$($handed:ident)?], $value:expr $(, $to:ident)?
    ) => {{
        $(let $x = $numbers[$code.$place as usize];)*
        $(let $handed = $last;)?
        $last = $value;
        $($numbers[$code.$to as usize] = $last;)?
    }};
}
pub(super) use result;

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
