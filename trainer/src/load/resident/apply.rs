//! The changes of a batch, as tensor operations where the photographs lie.
//!
//! Coordinates run from −1 to 1 over a square, as libtorch's `grid_sampler` has them. A pixel of the result is turned and mirrored into
//! the square, from there into the frame, from there into the part of the photograph that is seen; one bilinear look gives its colour.

use tch::{Device, Kind, Tensor};

use super::Resident;
use super::change::{Behind, Change, Rectangle};

/// `grid_sampler`'s word for bilinear.
const BILINEAR: i64 = 0;
/// `grid_sampler`'s word for repeating the border.
const BORDER: i64 = 1;

/// The pictures of a batch, `[B, side, side, 3] u8` on the photographs' device. `thumbnail_side` is the longer side of the thumbnails over
/// which some take their way.
pub fn apply(resident: &Resident, changes: &[Change], side: u32, thumbnail_side: u32) -> Tensor {
    tch::no_grad(|| {
        let device = resident.pictures_nhwc.device();
        let photos = thumbnails(&with_backgrounds(resident, changes, device), changes, thumbnail_side);
        let base = base_grid(side, device);
        let uv = turned(&base, changes, device);

        // Into the frame: f = 2 (x − left) / width − 1 with x = (u + 1) / 2.
        let into = |[left, top, width, height]: Rectangle| {
            [1.0 / width, 1.0 / height, (1.0 - 2.0 * left) / width - 1.0, (1.0 - 2.0 * top) / height - 1.0]
        };
        let of_frames =
            rows_of_four(changes.iter().flat_map(|change| into(change.frame).map(single)).collect(), device);
        let in_frame = &uv * pair(&of_frames, 0) + pair(&of_frames, 2);
        let seen = look(&photos, &in_frame.clamp(-1.0, 1.0), changes.iter().map(|change| change.crop));

        // A hair beyond the edge still counts: the outermost pixels' middles are half a pixel inside.
        let is_inside = in_frame.abs().le(1.0 + 1e-4).all_dim(-1, false).unsqueeze(1).to_kind(Kind::Float);
        let around = colours(changes.iter().map(|change| change.around), device);
        let framed = &seen * &is_inside + around * (1.0 - is_inside);

        let coloured = colour(&framed, changes, device);
        let blurred = blur(&coloured, changes, device);
        let erased = erase(&blurred, &base, changes, device);
        erased.round().clamp(0.0, 255.0).to_kind(Kind::Uint8).permute([0, 2, 3, 1]).contiguous()
    })
}

#[expect(clippy::cast_possible_truncation, reason = "coordinates are kept in f32 as pixels are")]
fn single(value: f64) -> f32 {
    value as f32
}

/// Two neighbouring columns of `[B, 4]` as `[B, 1, 1, 2]`.
fn pair(columns: &Tensor, first: i64) -> Tensor {
    columns.narrow(1, first, 2).view([-1, 1, 1, 2])
}

fn int(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Middles of the pixels of a square, `[1, side, side, 2]`.
fn base_grid(side: u32, device: Device) -> Tensor {
    let side = i64::from(side);
    let line = (Tensor::arange(side, (Kind::Float, device)) + 0.5) * (2.0 / side as f64) - 1.0;
    let (across, down) =
        (line.view([1, side]).expand([side, side], false), line.view([side, 1]).expand([side, side], false));
    Tensor::stack(&[across, down], -1).unsqueeze(0)
}

/// What is seen of a part of each photograph `[B, 3, S, S]` at points of that part: g = f · width + 2 left + width − 1.
fn look(photos: &Tensor, points: &Tensor, parts: impl Iterator<Item = Rectangle>) -> Tensor {
    let out_of = |[left, top, width, height]: Rectangle| {
        [width, height, 2.0 * left + width - 1.0, 2.0 * top + height - 1.0].map(single)
    };
    let parts = rows_of_four(parts.flat_map(out_of).collect(), photos.device());
    photos.grid_sampler(&(points * pair(&parts, 0) + pair(&parts, 2)), BILINEAR, BORDER, false)
}

/// `[B, 4]`.
fn rows_of_four(values: Vec<f32>, device: Device) -> Tensor {
    Tensor::from_slice(&values).view([-1, 4]).to_device(device)
}

/// Colours as `[B, 3, 1, 1]`.
fn colours(colours: impl Iterator<Item = [u8; 3]>, device: Device) -> Tensor {
    let values: Vec<f32> = colours.flat_map(|colour| colour.map(f32::from)).collect();
    Tensor::from_slice(&values).view([-1, 3, 1, 1]).to_device(device)
}

fn take(from_nhwc: &Tensor, places: &[usize], device: Device) -> Tensor {
    let places: Vec<i64> = places.iter().map(|&place| int(place)).collect();
    let taken = from_nhwc.index_select(0, &Tensor::from_slice(&places).to_device(device));
    taken.to_kind(Kind::Float).permute([0, 3, 1, 2]).contiguous()
}

/// The photographs `[B, 3, S, S]`, each before what is behind it.
fn with_backgrounds(resident: &Resident, changes: &[Change], device: Device) -> Tensor {
    let places: Vec<usize> = changes.iter().map(|change| change.place).collect();
    let photos = take(&resident.pictures_nhwc, &places, device);
    if changes.iter().all(|change| change.behind == Behind::Same) {
        return photos;
    }
    // Where nothing is put behind, the photograph itself is, and the mask does no harm.
    let scene_of = |change: &Change| match change.behind {
        Behind::Scene(place, crop) => (place, crop),
        Behind::Same | Behind::Shade(_) => (change.place, super::change::WHOLE),
    };
    let (scene_places, crops): (Vec<usize>, Vec<Rectangle>) = changes.iter().map(scene_of).unzip();
    let scenes = take(&resident.pictures_nhwc, &scene_places, device);
    let scenes = look(&scenes, &base_grid(resident.side, device), crops.into_iter());
    let shade_of = |change: &Change| if let Behind::Shade(shade) = change.behind { shade } else { [0; 3] };
    let is_shade: Vec<f32> =
        changes.iter().map(|c| f32::from(u8::from(matches!(c.behind, Behind::Shade(_))))).collect();
    let is_shade = Tensor::from_slice(&is_shade).view([-1, 1, 1, 1]).to_device(device);
    let behind = scenes * (1.0 - &is_shade) + colours(changes.iter().map(shade_of), device) * is_shade;
    let mask = take(&resident.backgrounds_nhwc, &places, device) / 255.0;
    &photos * (1.0 - &mask) + behind * mask
}

/// Some of the photographs after the way over a thumbnail.
fn thumbnails(photos: &Tensor, changes: &[Change], thumbnail_side: u32) -> Tensor {
    let chosen: Vec<i64> =
        (0..).zip(changes).filter(|(_, change)| change.is_thumbnail).map(|(place, _)| place).collect();
    let full = photos.size()[2];
    let small = i64::from(thumbnail_side).clamp(8, full);
    if chosen.is_empty() || small == full {
        return photos.shallow_clone();
    }
    let chosen = Tensor::from_slice(&chosen).to_device(photos.device());
    let there = photos.index_select(0, &chosen).internal_upsample_bilinear2d_aa([small, small], false, None, None);
    let back = there.internal_upsample_bilinear2d_aa([full, full], false, None, None);
    photos.index_copy(0, &chosen, &back)
}

/// The grid turned about its middle and mirrored, `[B, side, side, 2]`; what would come from outside repeats the edge.
fn turned(base: &Tensor, changes: &[Change], device: Device) -> Tensor {
    let values: Vec<f32> = changes
        .iter()
        .flat_map(|change| {
            let (sin, cos) = change.turn.to_radians().sin_cos();
            let sign = if change.is_flipped { -1.0 } else { 1.0 };
            // Rows of the matrix that a coordinate is multiplied with; mirroring comes after turning.
            [sign * cos, sin, -sign * sin, cos].map(single)
        })
        .collect();
    let matrices = Tensor::from_slice(&values).view([-1, 2, 2]).to_device(device);
    let side = base.size()[1];
    let flat = base.view([1, side * side, 2]).expand([int(changes.len()), side * side, 2], false);
    flat.bmm(&matrices).view([-1, side, side, 2]).clamp(-1.0, 1.0)
}

fn colour(pictures: &Tensor, changes: &[Change], device: Device) -> Tensor {
    let matrices: Vec<f32> = changes.iter().flat_map(|c| c.colour.matrix.into_iter().flatten().map(single)).collect();
    let offsets: Vec<f32> = changes.iter().map(|change| single(change.colour.offset)).collect();
    let matrices = Tensor::from_slice(&matrices).view([-1, 3, 3]).to_device(device);
    let offsets = Tensor::from_slice(&offsets).view([-1, 1, 1]).to_device(device);
    let changed = matrices.bmm(&pictures.flatten(2, 3)) + offsets;
    changed.view_as(pictures).clamp(0.0, 255.0)
}

/// Passes of the kernel 1-2-1 in both directions, as many as each picture wants.
fn blur(pictures: &Tensor, changes: &[Change], device: Device) -> Tensor {
    let most = changes.iter().map(|change| change.blur).max().unwrap_or(0);
    let line = Tensor::from_slice(&[0.25_f32, 0.5, 0.25]).to_device(device);
    let kernel = line.outer(&line).view([1, 1, 3, 3]).expand([3, 1, 3, 3], false).contiguous();
    let mut blurred = pictures.shallow_clone();
    for pass in 0..most {
        let wants: Vec<f32> = changes.iter().map(|change| f32::from(u8::from(change.blur > pass))).collect();
        let wants = Tensor::from_slice(&wants).view([-1, 1, 1, 1]).to_device(device);
        let next = blurred.replication_pad2d([1, 1, 1, 1]).conv2d(&kernel, None::<Tensor>, [1, 1], [0, 0], [1, 1], 3);
        blurred = next * &wants + blurred * (1.0 - wants);
    }
    blurred
}

fn erase(pictures: &Tensor, base: &Tensor, changes: &[Change], device: Device) -> Tensor {
    if changes.iter().all(|change| change.erased.is_none()) {
        return pictures.shallow_clone();
    }
    // An empty rectangle far outside where nothing is erased.
    let of = |change: &Change| change.erased.map_or([9.0, 9.0, 0.0, 0.0], |(rectangle, _)| rectangle);
    let bounds = |[left, top, width, height]: Rectangle| {
        [left, top, left + width, top + height].map(|share| single(2.0 * share - 1.0))
    };
    let bounds: Vec<f32> = changes.iter().flat_map(|change| bounds(of(change))).collect();
    let bounds = rows_of_four(bounds, device);
    let is_covered = base.ge_tensor(&pair(&bounds, 0)).logical_and(&base.lt_tensor(&pair(&bounds, 2)));
    let is_covered = is_covered.all_dim(-1, false).unsqueeze(1).to_kind(Kind::Float);
    let colour_of = |change: &Change| change.erased.map_or([0; 3], |(_, colour)| colour);
    pictures * (1.0 - &is_covered) + colours(changes.iter().map(colour_of), device) * is_covered
}
