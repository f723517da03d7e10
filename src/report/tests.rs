//! The reports of small made-up results, compared byte for byte where bytes are promised.

use super::sample::{Sample, empty, large, small};
use super::summary::Best;
use super::{compare, derivatives, html, plots, render, stream, summary, tables};
use crate::journal::Folder;

fn text(write: impl Fn(&mut dyn std::io::Write) -> std::io::Result<()>) -> Vec<String> {
    let mut bytes = Vec::new();
    write(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.ends_with("\r\n"));
    text.trim_end_matches("\r\n").split("\r\n").map(String::from).collect()
}

/// One of the tables of combinations and runs.
fn run_table(sample: &Sample, name: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let written = Folder::create(folder.path()).unwrap();
    let comparison = compare(&sample.plan, &sample.records).unwrap();
    written.write_together(stream::NAMES, |outs| stream::write(&sample.results(), &comparison, outs)).unwrap();
    let bytes = std::fs::read(folder.path().join(name)).unwrap();
    text(|out| out.write_all(&bytes))
}

/// The columns `from..to` of `comparison.csv`, whose first three say which row it is.
fn comparison_columns(sample: &Sample, from: usize, to: usize) -> Vec<String> {
    let lines = run_table(sample, "comparison.csv");
    let cut = |line: &String| line.split(',').skip(from).take(to - from).collect::<Vec<_>>().join(",");
    lines.iter().map(cut).collect()
}

fn comparison_csv(sample: &Sample) -> Vec<String> {
    comparison_columns(sample, 0, 14)
}

fn summary_of(sample: &Sample) -> String {
    super::summary(&sample.results(), &compare(&sample.plan, &sample.records).unwrap(), "results/silver".as_ref())
        .unwrap()
}

fn render_all(sample: &Sample, folder: &Folder) -> Result<Vec<String>, crate::journal::Error> {
    render(&sample.results(), &compare(&sample.plan, &sample.records).unwrap(), folder)
}

#[test]
fn plan_csv() {
    let sample = small();
    let lines = text(|out| tables::plan(&sample.plan, out));
    assert_eq!(lines[0], "run,optimizer,differentiation,repeat,differentiation.step,identity");
    assert_eq!(lines[1], format!("0,lbfgs,reverse,0,1e-4,{}", sample.plan.identity(0)));
    assert_eq!(lines[8], format!("7,differential_evolution,,1,1e-6,{}", sample.plan.identity(7)));
    assert_eq!(lines.len(), 9);
}

#[test]
fn runs_csv_quotes_renames_and_leaves_out_what_is_not_there() {
    let sample = small();
    let lines = run_table(&sample, "runs.csv");
    assert_eq!(
        lines,
        [
            "run,optimizer,differentiation,repeat,differentiation.step,status,reason,loss,evaluations,gradients,\
             iterations,parameter.loss,A[0],A[1]",
            "0,lbfgs,reverse,0,1e-4,converged,gradient_tolerance,1,40,20,10,24,1,1e-20",
            "1,lbfgs,reverse,1,1e-4,failed,\"non_finite: \"\"log(-1)\"\", at start\nand after\",,40,20,10,,,",
            "2,differential_evolution,,0,1e-4,stopped,evaluation_budget,1.5,40,20,10,25.2,1.1,0",
            "3,differential_evolution,,1,1e-4,converged,gradient_tolerance,2,40,20,10,24,1,1e-20",
            "4,lbfgs,reverse,0,1e-6,converged,gradient_tolerance,2,40,20,10,24,1,1e-20",
            "5,lbfgs,reverse,1,1e-6,converged,gradient_tolerance,2,40,20,10,24,1,1e-20",
            "6,differential_evolution,,0,1e-6,converged,gradient_tolerance,2,40,20,10,24,1,1e-20",
        ]
    );
}

#[test]
fn comparison_csv_counts_failures_and_keeps_the_yardstick_out() {
    let mut sample = small();
    let header = "optimizer,differentiation,differentiation.step,runs,converged,loss_best,loss_median,error_median,\
                  digits_median,evaluations_median,gradients_median,seconds_median,seconds_to_target,cost_ratio";
    assert_eq!(
        comparison_csv(&sample),
        [
            header,
            // One of two runs failed: no median; the other one is the answer itself, so the failure is all that is judged.
            "lbfgs,reverse,1e-4,2,1,1,inf,inf,0,40,20,0.5,1,1",
            // (25.2-24)/24 = 0.05, 0.1 and 1 (A[1] is 0): 1; the other run agrees exactly though its loss is higher.
            "differential_evolution,,1e-4,2,1,1.5,1.75,0.5,8.5,40,20,0.5,inf,1",
            "lbfgs,reverse,1e-6,2,2,2,2,0,17,40,20,0.5,0.5,1",
            "differential_evolution,,1e-6,1,1,2,2,0,17,40,20,0.5,0.5,1",
        ]
    );
    // A stated answer below every run is the yardstick; then every run is judged and none reached it.
    for variant in &mut sample.plan.first {
        let mut experiment = (*variant.experiment).clone();
        experiment.expected.loss = Some(0.5);
        experiment.expected.tolerance = 1e-6;
        experiment.expected.parameters = ["loss", "A[0]", "A[1]"].map(|name| (name.to_string(), 2.0)).to_vec();
        variant.experiment = experiment.into();
    }
    assert_eq!(comparison_csv(&sample)[3], "lbfgs,reverse,1e-6,2,2,2,2,11,0,40,20,0.5,inf,1");
}

#[test]
fn comparison_csv_says_how_sure_it_is() {
    let mut sample = small();
    let lines = comparison_columns(&sample, 14, 27);
    assert_eq!(
        lines[0],
        "reached,success,success_lower,success_upper,work_median,evaluations_to_target,work_to_target,\
         best_probability,lre_parameters,lre_standard_errors,lre_loss,target,answer"
    );
    let inf = f64::INFINITY;
    let wanted = [
        // Wilson, 1 of 2: (0.5 + z²/4 ± z·sqrt(1/8 + z²/16))/(1 + z²/2) with z = 1.96. Two runs are paid for one success,
        // which three of four resamplings hold.
        [1.0, 0.5, 0.0945312057, 0.9054687943, 60.0, 80.0, 120.0, 0.75],
        [0.0, 0.0, 0.0, 0.6576197725, 60.0, inf, inf, 0.0],
        // The other row is as good in the one repeat that it has; where that is not drawn it has none.
        [2.0, 1.0, 0.3423802275, 1.0, 60.0, 40.0, 60.0, 0.625],
        [1.0, 1.0, 0.2065493144, 1.0, 60.0, 40.0, 60.0, 0.375],
    ];
    for (line, wanted) in lines[1..].iter().zip(wanted) {
        let found: Vec<f64> = line.split(',').take(8).map(|field| field.parse().unwrap()).collect();
        let near = |(k, (a, b)): (usize, (&f64, &f64))| a == b || (a - b).abs() < if k == 7 { 0.04 } else { 1e-9 };
        assert!(found.iter().zip(&wanted).enumerate().all(near), "{line}: {wanted:?}");
    }
    assert!(lines[1].ends_with(",,,,1.000001,1") && lines[4].ends_with(",,,,2.000002,2"), "{lines:?}");
    for variant in &mut sample.plan.first {
        let mut experiment = (*variant.experiment).clone();
        experiment.expected.loss = Some(1.0);
        experiment.expected.parameters = vec![("loss".into(), 24.024), ("A[0]".into(), 1.0)];
        experiment.expected.standard_errors = vec![("loss".into(), 1.7517517517517518)];
        variant.experiment = experiment.into();
    }
    // The first run agrees to three digits, the second one failed.
    let digits: Vec<f64> =
        comparison_columns(&sample, 22, 25)[1].split(',').map(|field| field.parse().unwrap()).collect();
    assert!((digits[0] - 1.5).abs() < 0.01 && (digits[1] - 1.5).abs() < 0.01 && digits[2] == 8.5, "{digits:?}");
}

#[test]
fn runtimes_to_targets() {
    let sample = small();
    let comparison = compare(&sample.plan, &sample.records).unwrap();
    let precisions = comparison.shown().unwrap().precisions.all();
    // The traces that there are begin at infinity: a single target.
    assert_eq!(precisions.len(), 1);
    let targets = run_table(&sample, "targets.csv");
    assert_eq!(
        targets[0],
        "optimizer,differentiation,differentiation.step,precision,loss,runs,reached,evaluations_to_target,\
         work_to_target,seconds_to_target"
    );
    assert!(targets[1].starts_with("lbfgs,reverse,1e-4,") && targets[1].ends_with(",1.000001,2,1,80,120,1"));
    let large = large(5);
    let comparison = compare(&large.plan, &large.records).unwrap();
    let precisions = comparison.shown().unwrap().precisions.all();
    assert_eq!(precisions.len(), 51);
    assert!(precisions.windows(2).all(|pair| pair[0] > pair[1]));
    let ecdf = run_table(&large, "ecdf.csv");
    assert_eq!(ecdf[0], "optimizer,differentiation,share,evaluations,work,seconds");
    let rows: Vec<Vec<f64>> =
        ecdf[1..].iter().map(|line| line.split(',').skip(2).map(|field| field.parse().unwrap()).collect()).collect();
    let rises =
        |pair: &[Vec<f64>]| pair[1][0] < pair[0][0] || pair[1][1..].iter().zip(&pair[0][1..]).all(|(b, a)| b >= a);
    assert!(rows.windows(2).all(rises), "{ecdf:?}");
    // A target that is easier takes no longer.
    let targets = run_table(&large, "targets.csv");
    let works: Vec<f64> = targets[1..].iter().map(|line| line.split(',').nth(7).unwrap().parse().unwrap()).collect();
    assert!(works.len() > 20 && works[0] < *works.last().unwrap());
}

#[test]
fn times_reach_no_other_column() {
    let sample = small();
    let mut slow = small();
    for (i, record) in slow.records.iter_mut().flatten().enumerate() {
        record.seconds = 3.0 + i as f64;
    }
    slow.machine.threads = 64;
    let without_times = |lines: Vec<String>| -> Vec<String> {
        let cut = |line: &String| line.split(',').take(10).collect::<Vec<_>>().join(",");
        lines.iter().map(cut).collect()
    };
    assert_eq!(without_times(comparison_csv(&sample)), without_times(comparison_csv(&slow)));
    assert_ne!(comparison_csv(&sample), comparison_csv(&slow));
    assert_eq!(run_table(&sample, "runs.csv"), run_table(&slow, "runs.csv"));
    let pictures = |sample: &Sample| {
        let comparison = compare(&sample.plan, &sample.records).unwrap();
        let all = plots::all(&sample.results(), &comparison).unwrap();
        all.into_iter().map(|picture| (picture.file, picture.svg)).collect::<Vec<_>>()
    };
    let untimed = |pictures: Vec<(&'static str, String)>| -> Vec<(&'static str, String)> {
        pictures.into_iter().filter(|(file, _)| *file != "ecdf_seconds.svg").collect()
    };
    assert_eq!(untimed(pictures(&sample)), untimed(pictures(&slow)));
}

#[test]
fn other_tables() {
    let sample = small();
    let results = sample.results();
    assert_eq!(
        text(|out| derivatives::table(&results, out)),
        [
            "differentiation,point,parameters,outputs,step,max_relative_error,median_relative_error,digits,value_ns,\
             gradient_ns,cost_ratio,operations,expression_nodes,differentiation.step",
            "reverse,0,3,1,,1e-16,0,16,100,250,2.5,31,,",
            "forward_difference,0,3,1,1e-8,1e-16,0,8,100,250,2.5,31,,1e-4",
        ]
    );
    assert_eq!(
        text(|out| derivatives::gradients(&results, out)),
        [
            "differentiation.step,differentiation,point,parameter,value,loss,derivative,reference,digits",
            ",reverse,0,loss,24,2,0.5,0.5,17",
            "1e-4,forward_difference,0,loss,24,2,0.5,0.5,17",
        ]
    );
    assert_eq!(
        run_table(&sample, "intervals.csv"),
        [
            "run,parameter,method,level,estimate,standard_error,lower,upper,reference,covered",
            "0,loss,fisher,0.68,24,1.75,22.25,25.75,24.56,true",
            "0,A[0],fisher,0.68,24,,-inf,,,",
        ]
    );
    assert_eq!(
        run_table(&sample, "trace.csv"),
        ["run,iteration,evaluations,gradients,loss,gradient_norm", "0,0,1,1,inf,", "0,10,40,20,1,1e-9"]
    );
    assert_eq!(
        text(|out| tables::predictions(&results, out)),
        ["t,observed,sigma,predicted,residual", "0,3,1.5,3.25,-0.25", "1,4,2,3.5,0.5"]
    );
    let timings = run_table(&sample, "timings.csv");
    assert_eq!(timings[0], "run,seconds,seconds_per_evaluation,threads,host,cpu");
    assert_eq!(timings[1], "0,0.5,0.0125,2,here,\"Some CPU, 2 cores\"");
}

#[test]
fn several_outputs_get_a_column_of_their_own() {
    let mut sample = small();
    let fit = sample.fit.as_mut().unwrap();
    fit.outputs.push(super::OutputFit { name: "second".into(), sigma: None, ..fit.outputs[0].clone() });
    assert_eq!(
        text(|out| tables::predictions(&sample.results(), out)),
        [
            "t,output,observed,sigma,predicted,residual",
            "0,counts,3,1.5,3.25,-0.25",
            "0,second,3,,3.25,-0.25",
            "1,counts,4,2,3.5,0.5",
            "1,second,4,,3.5,0.5",
        ]
    );
}

#[test]
fn a_table_reads_back_to_the_same_fields() {
    let sample = small();
    let text = run_table(&sample, "runs.csv").join("\r\n");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 7);
    assert_eq!(&rows[1][6], sample.records[1].as_ref().unwrap().reason);
}

#[test]
fn summary_of_a_fit() {
    let sample = small();
    let summary = summary_of(&sample);
    for part in [
        "Half-lives of <silver> & \"friends\"",
        "../data/silver.csv, 2 rows",
        "5 converged, 1 stopped, 1 failed, 7 of 8 finished",
        "loss 1, run 0 (lbfgs, reverse, repeat 0, differentiation.step = 1e-4), converged",
        "24.0 ± 1.8 s      24.56   0.32 σ",
        "A[0], fisher: not determined",
        "1× lbfgs, reverse: non_finite",
        "results/silver/report.html",
    ] {
        assert!(summary.contains(part), "no {part:?} in\n{summary}");
    }
    assert!(!summary.contains('\u{1b}'));
}

#[test]
fn nothing_to_show_is_said_and_not_drawn() {
    let sample = empty();
    let results = sample.results();
    let comparison = compare(&sample.plan, &sample.records).unwrap();
    assert!(plots::all(&results, &comparison).unwrap().is_empty());
    let summary = summary_of(&sample);
    assert!(summary.contains("none: no run found a finite loss") && summary.starts_with("silver\n"), "{summary}");
    assert_eq!(comparison_csv(&sample)[1], "lbfgs,reverse,1e-4,2,0,,inf,,,40,20,0.5,,1");
    assert_eq!(text(|out| tables::predictions(&results, out)), ["observed,sigma,predicted,residual"]);
    // Not one finished run.
    let none = Sample { records: vec![None; 8], ..empty() };
    assert!(summary_of(&none).contains("none finished"));
    assert_eq!(comparison_csv(&none)[1], "lbfgs,reverse,1e-4,0,0,,,,,,,,,");
    html::render(&none.results(), &compare(&none.plan, &none.records).unwrap(), &[]).unwrap();
}

fn expected(sample: &Sample) -> Option<String> {
    let results = sample.results();
    summary::expected(&results, Best::of(&results, &compare(results.plan, results.records).unwrap()).unwrap().as_ref())
}

#[test]
fn the_expected_answer_is_checked() {
    let mut sample = small();
    assert_eq!(expected(&sample), None);
    sample.experiment.expected.tolerance = 1e-6;
    sample.experiment.expected.loss = Some(1.0);
    assert_eq!(expected(&sample).unwrap(), "expected  met to 1e-6");
    sample.experiment.expected.parameters = vec![("loss".into(), 24.1), ("B".into(), 0.0)];
    assert_eq!(
        expected(&sample).unwrap(),
        "expected  NOT met to 1e-6: loss is 24, expected 24.1; B is missing, expected 0"
    );
}

#[test]
fn the_page_escapes_everything_and_is_self_contained() {
    let sample = small();
    let comparison = compare(&sample.plan, &sample.records).unwrap();
    let pictures = plots::all(&sample.results(), &comparison).unwrap();
    let page = html::render(&sample.results(), &comparison, &pictures).unwrap();
    assert!(page.contains("<h1>Half-lives of &lt;silver&gt; &amp; &quot;friends&quot;</h1>"));
    assert!(page.contains("title = &quot;&lt;silver&gt;&quot;") && page.contains("<p>A background.</p>"));
    assert!(!page.contains("<script") && !page.contains("<silver>") && !page.contains("<?xml"));
    assert!(!page.contains("src=") && !page.contains("<link"));
    // Every name inside a picture occurs once on the page.
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let unique: std::collections::HashSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len(), unique.len());
}

#[test]
fn everything_is_written_and_what_no_longer_holds_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::create(home.path()).unwrap();
    let names = render_all(&large(3), &folder).unwrap();
    let mut found: Vec<String> = std::fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(found, sorted);
    assert_eq!(names.len(), 3 + 10 + 8 + 1);
    let read = |name: &str| std::fs::read(folder.file(name)).unwrap();
    let before: Vec<Vec<u8>> = names.iter().map(|name| read(name)).collect();
    render_all(&large(3), &folder).unwrap();
    assert_eq!(before, names.iter().map(|name| read(name)).collect::<Vec<_>>(), "the same bytes again");
    render_all(&empty(), &folder).unwrap();
    assert!(!folder.file("fit.svg").exists() && folder.file("runs.csv").exists());
    let provenance: serde_json::Value = serde_json::from_slice(&read("provenance.json")).unwrap();
    assert_eq!(provenance["runs_finished"], 8);
}

/// Writes the pictures of the large sample to look at: `cargo test gallery -- --ignored`, files in `target/gallery`.
#[test]
#[ignore = "for the eye"]
fn gallery() {
    let folder = Folder::create("target/gallery".as_ref()).unwrap();
    let sample = large(20);
    let results = sample.results();
    let start = std::time::Instant::now();
    let comparison = compare(results.plan, results.records).unwrap();
    let pictures = plots::all(&results, &comparison).unwrap();
    println!("{} pictures in {:?}", pictures.len(), start.elapsed());
    for picture in &pictures {
        println!("{} {} bytes", picture.file, picture.svg.len());
    }
    let start = std::time::Instant::now();
    render(&results, &comparison, &folder).unwrap();
    println!("everything in {:?}", start.elapsed());
    println!("{}", summary_of(&sample));
    println!("{}", summary_of(&small()));
    // Several outputs, large numbers, no standard deviations, no dense curve.
    let mut wide = large(1);
    let fit = wide.fit.as_mut().unwrap();
    fit.curve = None;
    for (name, scale) in [("rate", 1e7), ("a_rather_long_output_name", 1e-6), ("$cost$ <&>", 1.0)] {
        let mut output = fit.outputs[0].clone();
        (output.name, output.sigma) = (name.into(), None);
        for column in [&mut output.observed, &mut output.predicted, &mut output.residual] {
            column.iter_mut().for_each(|x| *x *= scale);
        }
        fit.outputs.push(output);
    }
    let pictures = plots::all(&wide.results(), &compare(&wide.plan, &wide.records).unwrap()).unwrap();
    folder.write("wide.svg", |out| out.write_all(pictures[0].svg.as_bytes())).unwrap();
}

mod odd {
    //! Numbers that no sound experiment gives: the reports must survive them all the same.

    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            Just(0.0),
            Just(f64::NAN),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
            Just(f64::MAX),
            Just(f64::MIN),
            Just(5e-324),
            Just(1.0),
            Just(1.0 + 1e-15),
            -1e3..1e3,
            any::<u64>().prop_map(f64::from_bits),
        ]
    }

    fn column() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(number(), 6)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn reports_survive_any_numbers(
            x in column(), observed in column(), predicted in column(), sigma in prop::option::of(column()),
            losses in column(), answers in column(), errors in column(), steps in column(), nanoseconds in column(),
        ) {
            let mut sample = large(2);
            let fit = sample.fit.as_mut().unwrap();
            fit.inputs.columns = vec![x.clone()];
            let output = &mut fit.outputs[0];
            output.residual = observed.iter().zip(&predicted).map(|(o, p)| o - p).collect();
            (output.observed, output.predicted, output.sigma) = (observed, predicted, sigma);
            fit.curve = Some(crate::report::Curve { x, outputs: vec![answers.clone()] });
            for (i, record) in sample.records.iter_mut().flatten().enumerate() {
                record.loss = Some(losses[i % 6]);
                record.parameters[0] = answers[i % 6];
                record.seconds = nanoseconds[i % 6];
                for (j, point) in record.trace.iter_mut().enumerate() {
                    point.loss = losses[(i + j) % 6];
                }
                for (j, interval) in record.intervals.iter_mut().enumerate() {
                    interval.estimate = answers[j % 6];
                    interval.standard_error = Some(errors[j % 6]);
                    interval.lower = Some(answers[(j + 1) % 6]);
                    interval.upper = Some(answers[(j + 2) % 6]);
                }
            }
            for (i, derivative) in sample.derivatives.rows.iter_mut().enumerate() {
                derivative.step = Some(steps[i % 6]);
                derivative.max_relative_error = errors[(i + i / 7) % 6];
                derivative.digits = errors[i % 6];
                derivative.value_ns = nanoseconds[i % 6];
                derivative.gradient_ns = nanoseconds[(i / 6) % 6];
            }
            let results = sample.results();
            let comparison = compare(&sample.plan, &sample.records).unwrap();
            let pictures = plots::all(&results, &comparison).unwrap();
            for picture in &pictures {
                // A coordinate that is no number would make the picture invalid.
                for word in ["\"NaN", "\"inf", "\"-inf", " NaN ", "(NaN", ",NaN", " inf "] {
                    prop_assert!(!picture.svg.contains(word), "{} has {word}", picture.file);
                }
                prop_assert!(picture.svg.len() < 300_000, "{}: {} bytes", picture.file, picture.svg.len());
            }
            html::render(&results, &comparison, &pictures).unwrap();
            crate::report::summary(&results, &comparison, "results".as_ref()).unwrap();
            comparison_csv(&sample);
        }
    }
}
