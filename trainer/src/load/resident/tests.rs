//! The tensor operations against the processor's own augmentation, where both do the same.

use std::rc::Rc;
use std::sync::Arc;

use clothingid_shared::picture::{Picture, PictureContract};
use tch::Device;

use super::Resident;
use super::apply::apply;
use super::batches::ResidentBatches;
use super::change::{Behind, Change, WHOLE};
use crate::import::Part;
use crate::load::augment::Augmentation;
use crate::load::batch::LoaderOptions;
use crate::load::colour::ColourMap;
use crate::load::disturb::blur;
use crate::load::framing::{flip, turn};
use crate::load::mix::Mixing;
use crate::load::read::PhotoReader;
use crate::load::sampler::Sampling;
use crate::network::parameters::to_vec;
use crate::pack::{Pack, sample};

const SIDE: u32 = 48;

fn pack() -> (tempfile::TempDir, Pack) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pack");
    sample::pack(&sample::manifest(folder.path(), 30), &out).unwrap();
    let pack = Pack::open(&out).unwrap();
    (folder, pack)
}

fn resident(pack: &Pack) -> Resident {
    Resident::load(pack, Part::Train, 64, Device::Cpu, |_, _| ()).unwrap()
}

fn bytes(pictures: &tch::Tensor) -> Vec<f32> {
    to_vec(&pictures.to_kind(tch::Kind::Float))
}

fn made(resident: &Resident, change: &Change) -> Vec<f32> {
    bytes(&apply(resident, std::slice::from_ref(change), SIDE, 64))
}

fn mean_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len() as f32
}

fn as_bytes(values: &[f32]) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they were bytes")]
    values.iter().map(|value| *value as u8).collect()
}

fn as_floats(values: &[u8]) -> Vec<f32> {
    values.iter().map(|value| f32::from(*value)).collect()
}

#[test]
fn without_changes_a_picture_is_what_the_device_sees() {
    let (_folder, pack) = pack();
    let resident = resident(&pack);
    let mut reader = PhotoReader::default();
    for row in pack.rows_in(Part::Train) {
        let photo: &Picture = reader.read(&pack, row).unwrap();
        let expected = PictureContract::with_side(SIDE).make(photo).unwrap();
        let place = resident.place(row).unwrap();
        let found = made(&resident, &Change::none(&resident, place));
        let difference = mean_difference(&found, &as_floats(expected.rgb()));
        let mut mirrored = expected.rgb().to_vec();
        flip(&mut mirrored, SIDE as usize);
        let other = mean_difference(&as_floats(&mirrored), &as_floats(expected.rgb()));
        // Resized twice, the edges of drawn photographs are softer; another picture is much further away.
        assert!(difference < 0.25 * other, "row {row}: {difference} of {other}");
    }
}

#[test]
fn each_change_is_the_one_that_the_processor_makes() {
    let (_folder, pack) = pack();
    let resident = resident(&pack);
    let side = SIDE as usize;
    let plain = Change::none(&resident, 3);
    let before = as_bytes(&made(&resident, &plain));
    let changed = |change: Change, by: &dyn Fn(&mut Vec<u8>)| {
        let mut expected = before.clone();
        by(&mut expected);
        (
            mean_difference(&made(&resident, &change), &as_floats(&expected)),
            mean_difference(&as_floats(&before), &as_floats(&expected)),
        )
    };
    // Each differs from what was before by more than from what it should be.
    let (difference, change) = changed(Change { is_flipped: true, ..plain.clone() }, &|rgb| flip(rgb, side));
    assert!(difference < 0.5 && change > 2.0, "flip: {difference} {change}");
    let (difference, change) = changed(Change { turn: 20.0, ..plain.clone() }, &|rgb| {
        let mut turned = Vec::new();
        turn(rgb, side, 20.0, &mut turned);
        *rgb = turned;
    });
    assert!(difference < 0.4 * change, "turn: {difference} {change}");
    let map = ColourMap { matrix: [[0.5, 0.2, 0.0], [0.0, 0.9, 0.1], [0.1, 0.0, 1.1]], offset: 7.0 };
    let (difference, change) = changed(Change { colour: map, ..plain.clone() }, &|rgb| map.apply(rgb));
    assert!(difference < 1.0 && change > 5.0, "colour: {difference} {change}");
    let (difference, change) = changed(Change { blur: 3, ..plain.clone() }, &|rgb| blur(rgb, side, 3, &mut Vec::new()));
    assert!(difference < 1.5 && difference < change, "blur: {difference} {change}");
    let covered = Change { erased: Some(([0.25, 0.5, 0.5, 0.25], [1, 2, 3])), ..plain.clone() };
    let (difference, _) = changed(covered, &|rgb| {
        for y in side / 2..side * 3 / 4 {
            for x in side / 4..side * 3 / 4 {
                rgb[(y * side + x) * 3..][..3].copy_from_slice(&[1, 2, 3]);
            }
        }
    });
    assert!(difference < 1e-6, "erase: {difference}");
}

#[test]
fn a_shade_stands_where_the_mask_is_and_nowhere_else() {
    let (_folder, pack) = pack();
    let mut resident = resident(&pack);
    let half = tch::Tensor::zeros([1, 64, 64, 1], (tch::Kind::Uint8, Device::Cpu));
    let _ = half.narrow(2, 0, 32).fill_(255);
    resident.backgrounds_nhwc = half.expand([resident.pictures_nhwc.size()[0], 64, 64, 1], false).contiguous();
    let plain = Change { frame: WHOLE, ..Change::none(&resident, 0) };
    let shaded = made(&resident, &Change { behind: Behind::Shade([9, 99, 199]), ..plain.clone() });
    let before = made(&resident, &plain);
    let pixel = |of: &[f32], x: usize, y: usize| of[(y * SIDE as usize + x) * 3..][..3].to_vec();
    assert_eq!(pixel(&shaded, 5, 20), [9.0, 99.0, 199.0]);
    assert_eq!(pixel(&shaded, 40, 20), pixel(&before, 40, 20));
    let scene = made(&resident, &Change { behind: Behind::Scene(1, WHOLE), ..plain });
    assert_eq!(
        pixel(&scene, 5, 20),
        pixel(&made(&resident, &Change { frame: WHOLE, ..Change::none(&resident, 1) }), 5, 20)
    );
}

#[test]
fn batches_hang_on_seed_epoch_and_position_alone() {
    let (_folder, pack) = pack();
    let (resident, pack) = (Rc::new(resident(&pack)), Arc::new(pack));
    let batches = |options| ResidentBatches::new(Arc::clone(&pack), Rc::clone(&resident), options).unwrap();
    let options = |epoch: u64, skip_batches: usize| LoaderOptions {
        part: Part::Train,
        side: SIDE,
        batch: 4,
        seed: 7,
        epoch,
        views: 2,
        augment: Augmentation { backdrop: 0.5, blur: 0.5, ..Augmentation::identification() },
        mix: Mixing { cutmix: 0.5, ..Mixing::default() },
        sampling: Sampling::identification(),
        threads: 1,
        skip_batches,
    };
    let all: Vec<_> = batches(options(0, 0)).collect();
    assert!(all.len() > 2);
    for batch in &all {
        assert_eq!(batch.pictures_nhwc.size(), [8, 48, 48, 3]);
        assert_eq!(batch.mixed.len(), 8);
    }
    let later: Vec<_> = batches(options(0, 2)).collect();
    assert_eq!(later.len() + 2, all.len());
    assert_eq!(bytes(&later[0].pictures_nhwc), bytes(&all[2].pictures_nhwc));
    assert_eq!(later[0].rows, all[2].rows);
    let other = batches(options(1, 0)).next().unwrap();
    assert_ne!(bytes(&other.pictures_nhwc), bytes(&all[0].pictures_nhwc));
}
