//! Each fault alone, and several at once: the message, and what the caret stands under.

use crate::experiment::sample::{CATALOG, EXAMPLE, checked, folder, lines, written};
use crate::experiment::{check, read};

/// The example with one piece of text replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

/// The lines of all diagnostics of a text, sound or not.
fn said(text: &str) -> Vec<String> {
    match checked(text) {
        Ok((_, warnings)) => lines(&warnings),
        Err(faults) => lines(&faults),
    }
}

/// Each change of the example gives one fault and no other.
#[test]
fn each_fault_alone() {
    let cases: &[(&str, &str, &str)] = &[
        // Keys.
        ("seed      = 1", "sede = 1", "unknown key `sede` <sede>"),
        ("evaluations = 20000", "evalutions = 20000", "unknown key `evalutions` in `budget` <evalutions>"),
        ("population = 60", "popluation = 60", "unknown key `popluation` for `differential_evolution` <popluation>"),
        (
            "unit = \"s\", start = 30",
            "unti = \"s\", start = 30",
            "unknown key `unti` in `parameters.half_life_1` <unti>",
        ),
        ("points = 100", "point = 100", "unknown key `point` in `differentiation.compare` <point>"),
        ("kind = \"poisson\"", "prior = true", "`loss.kind` is missing <[loss]>"),
        (
            "prior = \"uniform(5, 60)\",   ",
            "",
            "`parameters.half_life_1.prior` is missing <{ unit = \"s\", start = 30,  reference = 24.56 }>",
        ),
        // Types.
        ("seed      = 1", "seed = \"one two\"", "an operator is missing < two>"),
        ("seed      = 1", "seed = 1.5", "`seed` must be a whole number from 0 on, but is 1.5 <1.5>"),
        ("seed      = 1", "seed = -1", "`seed` must be a whole number from 0 on, but is -1 <-1>"),
        ("seed      = 1", "seed = [1]", "`seed` must be a whole number from 0 on, not a list <[1]>"),
        (
            "title     = \"Half-lives of Ag-108 and Ag-110\"",
            "title = 3",
            "`title` must be text, not a whole number <3>",
        ),
        (
            "evaluations = 20000",
            "evaluations = true",
            "`budget.evaluations` must be a whole number from 1 on, not true or false <true>",
        ),
        ("level   = 0.68", "level = 68", "`intervals.level` must be a number strictly between 0 and 1, but is 68 <68>"),
        (
            "level   = 0.68",
            "level = 1979-05-27",
            "`intervals.level` must be a number strictly between 0 and 1, not a date <1979-05-27>",
        ),
        ("ln2 = 0.6931471805599453", "ln2 = \"lg(2)\"", "unknown function `lg` <lg>"),
        ("ln2 = 0.6931471805599453", "ln2 = nan", "the constant `ln2` must be a finite number <nan>"),
        ("repeats = 20", "repeats = 0", "`sweep.repeats` must be a whole number from 1 to 1000000000, but is 0 <0>"),
        // Kinds.
        ("kind = \"formula\"", "kind = \"fromula\"", "unknown simulator `fromula` <\"fromula\">"),
        ("kind = \"poisson\"", "kind = \"poison\"", "unknown loss `poison` <\"poison\">"),
        ("\"complex_step\"", "\"complex\"", "unknown differentiation method `complex` <\"complex\">"),
        ("\"complex_step\"", "\"forward\"", "`differentiation.methods` names `forward` twice <\"forward\">"),
        ("method = \"genetic\"", "method = \"genetics\"", "unknown optimizer `genetics` <\"genetics\">"),
        ("method = \"genetic\"", "method = \"lbfgs\"", "two optimizers are called `lbfgs` <\"lbfgs\">"),
        ("\"bootstrap\"", "\"bootstraps\"", "unknown interval method `bootstraps` <\"bootstraps\">"),
        (
            "population = 60",
            "population = 3",
            "`optimizer.population` must be a whole number from 4 to 10000, but is 3 <3>",
        ),
        ("population = 60", "strategy = \"best\"", "`optimizer.strategy` cannot be `best` <\"best\">"),
        ("population = 60", "crossover = 1.2", "`optimizer.crossover` must be a number from 0 to 1, but is 1.2 <1.2>"),
        (
            "[\"forward_difference\", \"central_difference\", \"complex_step\", \"symbolic\", \"forward\", \"reverse\"]",
            "[]",
            "`lbfgs` needs a gradient, but `differentiation.methods` names no method <\"lbfgs\">",
        ),
        // Priors and boxes.
        ("uniform(0, 50)", "unifrom(0, 50)", "unknown prior `unifrom` <unifrom>"),
        ("uniform(0, 50)", "uniform(0)", "`uniform` takes 2 arguments, not 1 <uniform(0)>"),
        ("uniform(0, 50)", "uniform(50, 0)", "the box is empty: 50 is not below 0 <0>"),
        ("uniform(0, 50)", "0", "this is not a prior <0>"),
        ("uniform(0, 50)", "log_uniform(0, 50)", "`low` of `log_uniform` must be a positive number, but is 0 <0>"),
        ("uniform(0, 50)", "uniform(0, ln3)", "unknown name `ln3` <ln3>"),
        (
            "uniform(0, 50)",
            "uniform(0, 2*a1)",
            "the prior of `background` cannot depend on `a1`, which comes after it <2*a1>",
        ),
        (
            "\"uniform(0, 50)\"",
            "50",
            "`parameters.background` must be a prior such as \"uniform(0, 1)\", or a table, not a whole number <50>",
        ),
        ("start = 30", "start = 70", "the start of `half_life_1` lies outside its box <70>"),
        (
            "start = 30",
            "start = 5",
            "`half_life_1` starts on the edge of its box, where its search coordinate is infinite <5>",
        ),
        (
            "start = 30",
            "start = [30, 31]",
            "`parameters.half_life_1.start` is a list of 2, but the parameter is a scalar <[30, 31]>",
        ),
        (
            "start = 30",
            "bounds = [10, 10]",
            "`parameters.half_life_1.bounds` is an empty box: 10 is not below 10 <[10, 10]>",
        ),
        (
            "start = 30,  reference = 24.56",
            "bounds = [100, 200]",
            "the box of `half_life_1` is empty: its bounds leave nothing of the prior's support <[100, 200]>",
        ),
        ("start = 30", "bounds = [10]", "`parameters.half_life_1.bounds` must be `[low, high]` <[10]>"),
        (
            "start = 30",
            "size = -2",
            "`parameters.half_life_1.size` must be a whole number from 1 to 1000000, but is -2 <-2>",
        ),
        ("start = 30", "transform = \"logs\"", "`parameters.half_life_1.transform` cannot be `logs` <\"logs\">"),
        (
            "\"uniform(0, 50)\"",
            "{ prior = \"uniform(-1, 50)\", transform = \"log\" }",
            "`background` cannot be searched by its logarithm: its box [-1, 50] includes 0 <\"log\">",
        ),
        // Names.
        ("a2*exp", "a3*exp", "unknown name `a3` <a3>"),
        ("a2*exp", "a2*exq", "unknown function `exq` <exq>"),
        ("a2*exp", "a2*(exp", "`(` is never closed <"),
        ("a2*exp", "counts*exp", "`counts` cannot be used here <counts>"),
        ("ln2 = 0.6931471805599453", "ln2 = 0.69\nt = 1", "`t` is the name of a constant and of a data column <t>"),
        (
            "[parameters] ",
            "[parameters]\nln2 = \"uniform(0, 1)\" ",
            "`ln2` is the name of a constant and of a parameter <ln2>",
        ),
        (
            "[parameters] ",
            "[parameters]\nexp = \"uniform(0, 1)\" ",
            "`exp` cannot be the name of a parameter: it is a function <exp>",
        ),
        (
            "[parameters] ",
            "[parameters]\n\"half life\" = \"uniform(0, 1)\" ",
            "`half life` cannot be the name of a parameter <\"half life\">",
        ),
        // Data.
        ("\"silver_decay.csv\"", "\"sliver.csv\"", "there is no file"),
        ("\"time_s\"", "\"times\"", "`silver_decay.csv` has no column `times` <\"times\">"),
        ("outputs.counts =", "outputs.count =", "the output `count` has no data column to be compared with <count>"),
        ("counts = \"counts\"", "counts = \"counts\", x = \"x\"", "`silver_decay.csv` has no column `x` <\"x\">"),
        ("file    = \"silver_decay.csv\" ", "", "`data` says neither a `file` nor how data are made <data>"),
        (
            "file    = \"silver_decay.csv\" ",
            "synthetic.truth = { background = 1, a1 = 200, a2 = 20, half_life_1 = 9, half_life_2 = 99 }\nfile = \"silver_decay.csv\"",
            "data are read from a file or made, not both <file>",
        ),
        // Loss.
        (
            "kind = \"poisson\"",
            "kind = \"chi_square\"",
            "`chi_square` needs `sigma`: `counts` has none <\"chi_square\">",
        ),
        ("kind = \"poisson\"", "kind = \"poisson\"\nsigma = 1", "`poisson` has no `sigma` <sigma>"),
        (
            "kind = \"poisson\"",
            "kind = \"chi_square\"\nsigma = 0",
            "`loss.sigma` must be a positive number, but is 0 <0>",
        ),
        (
            "kind = \"poisson\"",
            "kind = \"chi_square\"\nsigma = { count = 1, counts = 1 }",
            "`loss.sigma` names `count`, which is not an output <count>",
        ),
        (
            "kind = \"poisson\"",
            "kind = \"chi_square\"\nsigma = \"sqrt(counts - 185)\"",
            "`loss.sigma` is 0 in row 5 of the data: it must be a positive number <sqrt(counts - 185)>",
        ),
        (
            "kind = \"poisson\"",
            "kind = \"poisson\"\nweight = -1",
            "`loss.weight` must be a positive number, but is -1 <-1>",
        ),
        (
            "kind = \"poisson\"",
            "kind = \"poisson\"\nprior = 1",
            "`loss.prior` must be true or false, not a whole number <1>",
        ),
        // Sweep and expectations.
        (
            "\"differentiation.step\"",
            "\"differentiation.stpe\"",
            "unknown key `stpe` in `differentiation` <\"differentiation.stpe\">",
        ),
        (
            "\"differentiation.step\"",
            "\"optimizer.nelder_mead.population\"",
            "`optimizer` has no element `nelder_mead` <\"optimizer.nelder_mead.population\">",
        ),
        (
            "\"differentiation.step\"",
            "\"sweep.repeats\"",
            "`sweep` cannot be varied: it does not change a run <\"sweep.repeats\">",
        ),
        ("1e-6, 1e-8]", "-1e-6, 1e-8]", "`differentiation.step` must be a positive number, but is -0.000001 <-1e-6>"),
        ("[1e-4, 1e-6, 1e-8]", "[]", "the axis `sweep.axes.differentiation.step` has no values <[]>"),
        ("[sweep]", "[expected]\na3 = 1\n[sweep]", "`expected` names `a3`, which is not a parameter <a3>"),
        (
            "[sweep]",
            "[expected]\ntolerance = 0\n[sweep]",
            "`expected.tolerance` must be a positive number, but is 0 <0>",
        ),
    ];
    let mut wrong = String::new();
    for (from, to, expected) in cases {
        let said = said(&changed(from, to));
        let alone = said.len() == 1 || said[1..].iter().all(|line| line.starts_with("no formula uses"));
        if said.is_empty() || !said[0].starts_with(expected) || !alone {
            wrong += &format!("{from} -> {to}\n  expected {expected}\n  said {said:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// All of them together in one file: none hides another.
#[test]
fn many_faults_at_once() {
    let text = EXAMPLE
        .replace("seed      = 1", "sede = 1")
        .replace("a2*exp", "a3*exp")
        .replace("uniform(0, 50)", "unifrom(0, 50)")
        .replace("start = 30", "start = 70")
        .replace("kind = \"poisson\"", "kind = \"poison\"")
        .replace("population = 60", "population = 3")
        .replace("level   = 0.68", "level = 68")
        .replace("\"time_s\"", "\"times\"")
        .replace("\"differentiation.step\"", "\"differentiation.stpe\"");
    let said = said(&text);
    let words = [
        "`sede`",
        "`times`",
        "`a3`",
        "`unifrom`",
        "the start of `half_life_1`",
        "`poison`",
        "population",
        "level",
        "`stpe`",
    ];
    assert_eq!(said.len(), words.len(), "{said:#?}");
    // In the order of the file.
    for (line, word) in said.iter().zip(words) {
        assert!(line.contains(word), "{word}: {said:#?}");
    }
}

#[test]
fn suggestions_come_with_the_faults() {
    let help = |from: &str, to: &str| checked(&changed(from, to)).unwrap_err()[0].help.join("; ");
    assert_eq!(help("seed      = 1", "sede = 1"), "did you mean `seed`?");
    assert_eq!(help("seed      = 1", "repeats = 1"), "there is `sweep.repeats`");
    assert_eq!(help("method = \"genetic\"", "method = \"genetics\""), "did you mean `genetic`?");
    assert_eq!(help("\"time_s\"", "\"time\""), "did you mean `time_s`?");
    assert_eq!(help("outputs.counts =", "outputs.count ="), "did you mean `counts`?");
    assert_eq!(help("uniform(0, 50)", "unifrom(0, 50)"), "did you mean `uniform`?");
}

#[test]
fn a_faulty_constant_is_reported_once_however_often_it_is_used() {
    let text = changed("ln2 = 0.6931471805599453", "ln2 = \"lg(2)\"").replace("uniform(0, 50)", "uniform(0, ln2)");
    let text = text.replace("level   = 0.68", "level = \"1/ln2\"");
    assert_eq!(said(&text), ["unknown function `lg` <lg>"]);
}

#[test]
fn what_is_missing_altogether() {
    let said = said("");
    let missing = ["simulator", "parameters", "loss"].map(|name| format!("there is no section `[{name}]` <>"));
    assert_eq!(said, missing);
}

#[test]
fn syntax_faults_come_with_the_others_and_raise_no_false_ones() {
    let text = changed("[budget]", "[budget\n").replace("sede", "seed").replace("level   = 0.68", "level = 68");
    let said = said(&text);
    assert!(said.iter().any(|line| line.starts_with("this is not TOML")), "{said:#?}");
    assert!(said.iter().any(|line| line.contains("level")), "{said:#?}");
    assert!(!said.iter().any(|line| line.contains("missing")), "{said:#?}");
    let twice = said_of("seed = 1\nseed = 2\n");
    assert!(twice[0].contains("duplicate key"), "{twice:?}");
}

fn said_of(text: &str) -> Vec<String> {
    said(text)
}

#[test]
fn a_population_needs_a_finite_box() {
    // The quantiles of a density bound it; without density there is nothing that would.
    let text = changed("\"uniform(0, 50)\"", "\"normal(0, 50)\"");
    assert!(checked(&text).is_ok());
    let text =
        changed("\"uniform(0, 50)\"", "{ prior = \"flat()\", start = 1 }").replace("repeats = 20", "repeats = 1");
    let text = text.replace("points = 100", "points = 1");
    let faults = checked(&text).unwrap_err();
    assert_eq!(faults.len(), 2, "one for each population method: {:#?}", lines(&faults));
    assert_eq!(faults[0].labels.len(), 2);
    let bounded = changed("\"uniform(0, 50)\"", "{ prior = \"normal(0, 50)\", bounds = [-1, 99] }");
    assert!(checked(&bounded).is_ok());
}

#[test]
fn a_prior_without_density_needs_a_start() {
    let text = changed("\"uniform(0, 50)\"", "{ prior = \"flat()\", bounds = [0, 50] }");
    assert_eq!(said(&text), ["`background` needs a `start`: its prior `flat` cannot be drawn from <\"flat()\">"]);
    let text = changed("\"uniform(0, 50)\"", "{ prior = \"flat()\", bounds = [0, 50], start = 3 }");
    assert_eq!(said(&text), Vec::<String>::new());
}

#[test]
fn faults_in_strings_with_escapes_point_at_the_right_byte() {
    let text = changed("\"background + a1", "\"\"\"\n  backgr\\u006fund \\\n     + \\u00e9x + a1")
        .replace("half_life_2)\"", "half_life_2)\"\"\"");
    let faults = checked(&text).unwrap_err();
    assert!(lines(&faults)[0].ends_with("<\\u00e9x>"), "{:#?}", lines(&faults));
}

#[test]
fn synthetic_data_are_checked() {
    let text = "
[data.synthetic]
inputs = { t = { from = 0, to = 10, count = 5, scale = \"log\" }, u = [] }
truth = { aa = 1, c = 3 }
noise = { z = \"poisson(y)\", y = \"poison(y)\" }
[simulator]
kind = \"formula\"
outputs.y = \"a*t + b*u\"
[parameters]
a = \"uniform(0, 1)\"
b = \"uniform(0, 1)\"
c = \"uniform(0, 1)\"
f = \"fixed(2)\"
[loss]
kind = \"poisson\"
";
    let said = said(text);
    let expected = [
        "a grid with `scale = \"log\"` needs a positive `from` and `to`",
        "the input `u` has no values",
        "`data.synthetic.truth` has no value for `a`, `b` <truth>",
        "`data.synthetic.truth` names `aa`, which is not a parameter <aa>",
        "there is noise for `z`, which is not an output <z>",
        "unknown noise distribution `poison` <poison>",
        "the truth of `c` lies outside its box",
    ];
    for (line, expected) in said.iter().zip(expected) {
        assert!(line.starts_with(expected), "{expected}: {said:#?}");
    }
}

#[test]
fn observations_must_be_possible_under_the_loss() {
    let folder = folder();
    std::fs::write(folder.path().join("silver_decay.csv"), "time_s,counts\n15,3\n30,-4\n").unwrap();
    let faults = check(&written(EXAMPLE, folder.path(), &[]), &CATALOG).unwrap_err();
    let expected =
        "row 2, column `counts` of `silver_decay.csv` is -4: under `poisson` a count cannot be negative <-4>";
    assert_eq!(lines(&faults), [expected]);
    std::fs::write(folder.path().join("silver_decay.csv"), format!("time_s,counts\n{}", "1,-1\n".repeat(100))).unwrap();
    let faults = check(&written(EXAMPLE, folder.path(), &[]), &CATALOG).unwrap_err();
    assert_eq!(faults.len(), 5);
    assert!(faults[4].help[0].starts_with("95 more"), "{:#?}", faults[4].help);
}

#[test]
fn what_nothing_uses_is_said_but_no_fault() {
    let text = changed("[parameters] ", "[parameters]\nspare = \"uniform(0, 1)\" ");
    let (_, warnings) = checked(&text).unwrap();
    assert_eq!(lines(&warnings), ["no formula uses the parameter `spare`: the data cannot determine it <spare>"]);
}

#[test]
fn monstrous_files_are_refused_in_short_words() {
    let deep = format!("seed = {}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let long = format!("{} = 1", "k".repeat(1_000_000));
    let nested = changed("a2*exp", &format!("{}a2*exp", "(".repeat(10_000)));
    let wide = changed("background +", &"background + ".repeat(20_000));
    let dotted = format!("{}a = 1", "a.".repeat(100_000));
    let header = format!("[{}a]", "a . ".repeat(100_000));
    let inline = format!("x = {}1{}", "{ a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = ".repeat(79), "}".repeat(79));
    for text in [deep, long, nested, wide, dotted, header, inline] {
        let faults = checked(&text).unwrap_err();
        assert!(!faults.is_empty());
        for fault in &faults {
            assert!(fault.message.len() < 400, "{}", fault.message);
        }
    }
    let folder = folder();
    let path = folder.path().join("huge.toml");
    std::fs::write(&path, vec![b'a'; 17 << 20]).unwrap();
    assert!(read(&path, &[], &CATALOG).unwrap_err()[0].message.contains("larger than 16 MiB"));
}
