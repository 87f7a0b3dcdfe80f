// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! A plot of a series, as SVG.

use plotters::prelude::*;

use crate::format;
use crate::record::Group;
use crate::record::Parameter;
use crate::record::Record;
use crate::spread::Spread;
use crate::Error;

/// Width and height in pixels.
const SIZE: (u32, u32) = (760, 400);
/// A line joins at most this many records.
const MAX_JOINED: usize = 12;
const FONT: (&str, u32) = ("sans-serif", 15);
/// One colour is dark and one light, and the marks differ, so that the plot works in grey as well.
const OURS: RGBColor = RGBColor(20, 80, 160);
const THEIRS: RGBColor = RGBColor(220, 110, 20);

/// Plots the medians; `None` if there are fewer than two.
///
/// # Errors
///
/// [`Error::Plot`].
pub(crate) fn plot(
    group: Group,
    parameter: &Parameter,
    series: &[Record],
) -> Result<Option<String>, Error> {
    let Some(record) = series.first() else {
        return Ok(None);
    };
    let ours = points(series, |record| &record.ours);
    let theirs = points(series, |record| &record.theirs);
    if ours.len() + theirs.len() < 2 || series.len() < 2 {
        return Ok(None);
    }

    let mut svg = String::new();
    draw(&mut svg, group, record, parameter, &ours, &theirs).map_err(|reason| Error::Plot {
        name: record.name.clone(),
        reason: reason.to_string(),
    })?;
    Ok(Some(svg))
}

type Point = (f64, f64);

fn points(series: &[Record], side: fn(&Record) -> &Vec<f64>) -> Vec<Point> {
    let point = |record: &Record| {
        let spread = Spread::of(side(record).iter().copied())?;
        Some((record.x.as_ref()?.value, spread.median))
    };

    series.iter().filter_map(point).collect()
}

fn draw(
    svg: &mut String,
    group: Group,
    record: &Record,
    parameter: &Parameter,
    ours: &[Point],
    theirs: &[Point],
) -> Result<(), Box<dyn std::error::Error>> {
    let (our_name, their_name) = group.sides();
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let range = |axis: fn(&Point) -> f64| {
        let numbers = || ours.iter().chain(theirs).map(axis);
        // A margin for the marks at the borders.
        (numbers().fold(f64::MAX, f64::min) / 1.3..numbers().fold(0.0, f64::max) * 1.3).log_scale()
    };
    // A legend inside would hide some of the marks.
    let caption = format!("{}:  × {their_name},  ● {our_name}", record.name);
    let mut chart = ChartBuilder::on(&root)
        .caption(caption, (FONT.0, 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(84)
        .build_cartesian_2d(range(|point| point.0), range(|point| point.1))?;
    chart
        .configure_mesh()
        .x_desc(&parameter.of)
        .x_labels(5)
        .y_labels(5)
        .x_label_formatter(&|x| format::parameter(parameter, *x))
        .y_label_formatter(&|y| format::sample(*y, record.unit))
        .light_line_style(WHITE)
        .label_style(FONT)
        .draw()?;

    for (points, color) in [(theirs, THEIRS), (ours, OURS)] {
        if points.len() <= MAX_JOINED {
            chart.draw_series(LineSeries::new(
                points.iter().copied(),
                color.stroke_width(2),
            ))?;
        }
    }
    chart.draw_series(
        theirs
            .iter()
            .map(|at| Cross::new(*at, 4, THEIRS.stroke_width(2))),
    )?;
    chart.draw_series(ours.iter().map(|at| Circle::new(*at, 4, OURS.filled())))?;
    root.present()?;
    Ok(())
}
