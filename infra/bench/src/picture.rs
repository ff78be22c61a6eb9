//! What was measured, as a picture: for each temper, how many calls Telegram took in each second of
//! the mass removal, and how long alerts waited meanwhile.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::load::Temper;
use crate::measure::Measures;
use crate::report::Column;

const SIZE: (u32, u32) = (1_280, 1_200);

/// Usher first; then the peers.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0x00, 0x5f, 0xcc),
    RGBColor(0xe0, 0x7b, 0x00),
    RGBColor(0xc0, 0x30, 0x30),
    RGBColor(0x2e, 0x9e, 0x5b),
    RGBColor(0x8a, 0x5b, 0xc7),
];

/// A point of a line stands for so many seconds.
const STRETCH: usize = 10;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Writes the picture.
///
/// # Errors
/// It cannot be drawn or written.
pub fn draw(columns: &[Column], to: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let area = SVGBackend::new(to, SIZE).into_drawing_area();
    let text = |error: DrawingAreaErrorKind<_>| error.to_string();
    area.fill(&WHITE).map_err(text)?;
    for (number, (row, temper)) in
        area.split_evenly((Temper::ALL.len(), 1)).iter().zip(Temper::ALL).enumerate()
    {
        let runs: Vec<_> = columns
            .iter()
            .filter_map(|column| Some((column.name.as_str(), &column.tempers.get(number)?.removal)))
            .collect();
        let (left, right) = row.split_horizontally(SIZE.0 / 2);
        taken(&left, temper, &runs).map_err(text)?;
        waits(&right, temper, &runs).map_err(text)?;
    }
    area.present().map_err(text)?;
    Ok(())
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn end(runs: &[(&str, &Measures)]) -> f64 {
    let seconds = runs.iter().map(|(_, run)| run.drained_ms as f64 / 1_000.0);
    seconds.fold(60.0, f64::max) * 1.02
}

/// Calls a second that Telegram took.
fn taken<'a>(area: &Area<'a>, temper: Temper, runs: &[(&str, &Measures)]) -> Drawn<'a> {
    let title = format!("{}: calls a second that Telegram takes", temper.name());
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(34)
        .y_label_area_size(44)
        .build_cartesian_2d(0.0..end(runs), 0.0..36.0)?;
    chart.configure_mesh().x_desc("seconds").light_line_style(WHITE).draw()?;
    let limit = temper.limit();
    chart.draw_series(LineSeries::new([(0.0, limit), (end(runs), limit)], BLACK))?;
    for ((name, run), colour) in runs.iter().zip(COLOURS).rev() {
        let points = run.taken.chunks(STRETCH).enumerate().map(|(at, part)| {
            let sum: f64 = part.iter().map(|taken| f64::from(*taken)).sum();
            ((at * STRETCH + part.len() / 2) as f64, sum / part.len() as f64)
        });
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .draw()
}

/// How long alerts wait, by the time at which they were sent.
fn waits<'a>(area: &Area<'a>, temper: Temper, runs: &[(&str, &Measures)]) -> Drawn<'a> {
    let title = format!("{}: seconds that each alert waits", temper.name());
    let last = runs.iter().flat_map(|(_, run)| run.steady.iter().map(|(at, _)| *at)).max();
    let last = last.unwrap_or(60_000) as f64 / 1_000.0;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(34)
        .y_label_area_size(54)
        .build_cartesian_2d(0.0..last, (0.05..5_000.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("sent at, seconds")
        .y_label_formatter(&|seconds| format!("{seconds}"))
        .light_line_style(WHITE)
        .draw()?;
    chart.draw_series(LineSeries::new([(0.0, 0.5), (last, 0.5)], BLACK))?;
    for ((_, run), colour) in runs.iter().zip(COLOURS).rev() {
        let points = run.steady.iter().map(|(at, wait)| {
            let point = (*at as f64 / 1_000.0, (*wait as f64 / 1_000.0).max(0.05));
            Circle::new(point, 1, colour.filled())
        });
        chart.draw_series(points)?;
    }
    Ok(())
}
