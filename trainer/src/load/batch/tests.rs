use std::sync::Arc;

use clothingid_shared::picture::PictureContract;

use super::{Loader, LoaderOptions};
use crate::import::Part;
use crate::load::{Augmentation, Batch, LoadError, Mixing, Sampling};
use crate::pack::{Pack, sample};

fn pack(folder: &std::path::Path) -> Arc<Pack> {
    let out = folder.join("pack");
    sample::pack(&sample::manifest(folder, 40), &out).unwrap();
    Arc::new(Pack::open(&out).unwrap())
}

fn options() -> LoaderOptions {
    LoaderOptions {
        part: Part::Train,
        side: 24,
        batch: 4,
        seed: 3,
        epoch: 0,
        views: 2,
        augment: Augmentation::identification(),
        mix: Mixing::default(),
        sampling: Sampling { several_views: 2.0, ..Sampling::default() },
        threads: 1,
        skip_batches: 0,
    }
}

fn all(pack: &Arc<Pack>, options: LoaderOptions) -> Vec<Batch> {
    Loader::new(pack, options).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn threads_do_not_change_a_byte_and_the_epoch_does() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let one = all(&pack, options());
    assert!(one.len() > 5);
    for threads in [2, 5] {
        assert_eq!(all(&pack, LoaderOptions { threads, ..options() }), one);
    }
    assert_ne!(all(&pack, LoaderOptions { epoch: 1, ..options() }), one);
    assert_ne!(all(&pack, LoaderOptions { seed: 4, ..options() }), one);
    let resumed = all(&pack, LoaderOptions { skip_batches: 3, threads: 2, ..options() });
    assert_eq!(resumed, one[3..]);
}

#[test]
fn mixing_changes_pictures_alone_and_no_byte_of_it_hangs_on_threads_or_on_where_a_run_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let plain = all(&pack, options());
    let mix = Mixing { mixup: 0.5, mixup_alpha: 1.0, cutmix: 0.5, ..Mixing::default() };
    let options = LoaderOptions { mix, ..options() };
    let mixed = all(&pack, options.clone());
    for (plain, mixed) in plain.iter().zip(&mixed) {
        assert!(plain.rows == mixed.rows && plain.mixed.is_empty() && mixed.mixed.len() == mixed.rows.len() * 2);
        assert_ne!(plain.pictures_nhwc, mixed.pictures_nhwc);
    }
    assert_ne!(mixed[0].mixed, mixed[1].mixed);
    assert_eq!(all(&pack, LoaderOptions { threads: 3, skip_batches: 2, ..options }), mixed[2..]);
}

#[test]
fn batches_are_full_and_of_one_part() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    for part in Part::ALL {
        for batch in all(&pack, LoaderOptions { part, batch: 3, ..options() }) {
            assert_eq!(batch.pictures_nhwc.len(), batch.rows.len() * 2 * 24 * 24 * 3);
            assert!(batch.rows.iter().all(|&row| pack.rows()[row].part == part));
        }
    }
    let short = all(&pack, LoaderOptions { batch: 10_000, ..options() });
    assert_eq!(short.len(), 1);
    assert_eq!(short[0].rows.len(), pack.rows_in(Part::Train).len());
}

#[test]
fn a_second_view_is_another_photograph_of_the_item_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let plain = LoaderOptions { augment: Augmentation::none(), batch: 1, ..options() };
    let contract = PictureContract::with_side(24);
    let make = |row: usize| contract.read(&pack.read(row).unwrap()).unwrap().into_rgb();
    let (mut real, mut same) = (0, 0);
    for batch in all(&pack, plain) {
        let (first, second) = batch.pictures_nhwc.split_at(24 * 24 * 3);
        let row = batch.rows[0];
        assert_eq!(first, make(row));
        let others: Vec<usize> = (0..pack.rows().len())
            .filter(|&other| other != row && pack.rows()[other].item == pack.rows()[row].item)
            .collect();
        if others.is_empty() {
            assert_eq!(second, first);
            same += 1;
        } else {
            assert!(others.iter().any(|&other| second == make(other)));
            real += 1;
        }
    }
    assert!(real > 3 && same > 3, "{real} {same}");
}

#[test]
fn evaluation_shows_each_row_once_through_the_shared_function() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let rows = pack.rows_in(Part::Report);
    let contract = PictureContract::with_side(20);
    let batches: Vec<Batch> =
        Loader::evaluation(&pack, rows.clone(), &contract, 3, 2).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(batches.iter().flat_map(|batch| batch.rows.clone()).collect::<Vec<_>>(), rows);
    let bytes: Vec<u8> = batches.into_iter().flat_map(|batch| batch.pictures_nhwc).collect();
    let expected: Vec<u8> =
        rows.iter().flat_map(|&row| contract.read(&pack.read(row).unwrap()).unwrap().into_rgb()).collect();
    assert_eq!(bytes, expected);
    assert_eq!(Loader::evaluation(&pack, Vec::new(), &contract, 3, 2).unwrap().count(), 0);
}

#[test]
fn weights_even_out_sources_and_classes_and_leave_out_what_is_not_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    let even = Sampling {
        class_power: 0.0,
        include: crate::load::Include::Labelled,
        most_repeats: 1e6,
        samples: Some(4000),
        ..Sampling::default()
    };
    let plan = even.plan(&pack, Part::Train, 1, 0).unwrap();
    assert_eq!(plan.len(), 4000);
    let dresses = plan
        .iter()
        .filter(|&&row| {
            pack.rows()[row].label.is_empty()
                && pack.rows()[row].cat14 == pack.rows().iter().find(|row| row.item_id == "i0").unwrap().cat14
        })
        .count();
    assert!((1990..=2010).contains(&dresses), "{dresses}");
    assert!(plan.iter().all(|&row| pack.rows()[row].is_garment));
    let several = Sampling { include: crate::load::Include::SeveralViews, ..Sampling::default() }
        .plan(&pack, Part::Train, 1, 0)
        .unwrap();
    let photos = |item: usize| pack.rows_in(Part::Train).iter().filter(|&&row| pack.rows()[row].item == item).count();
    assert!(!several.is_empty() && several.iter().all(|&row| photos(pack.rows()[row].item) > 1));
    let zero = Sampling { no_garments: 0.0, ..Sampling::default() };
    assert!(zero.plan(&pack, Part::Train, 1, 0).unwrap().iter().all(|&row| pack.rows()[row].is_garment));
    let once = Sampling::default().plan(&pack, Part::Train, 1, 0).unwrap();
    let mut sorted = once.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, pack.rows_in(Part::Train), "equal weights show each photograph once");
}

#[test]
fn senseless_settings_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path());
    for (options, name) in [
        (LoaderOptions { batch: 0, ..options() }, "batch"),
        (LoaderOptions { views: 0, ..options() }, "views"),
        (LoaderOptions { mix: Mixing { mixup: 2.0, ..Mixing::default() }, ..options() }, "mix.mixup"),
        (
            LoaderOptions { sampling: Sampling { thumbnails: f64::NAN, ..Sampling::default() }, ..options() },
            "thumbnails",
        ),
    ] {
        assert!(matches!(Loader::new(&pack, options), Err(LoadError::Setting { setting, .. }) if setting == name));
    }
}

#[test]
fn a_damaged_photograph_is_an_error_and_the_loader_can_be_dropped_early() {
    let folder = tempfile::tempdir().unwrap();
    let first = pack(folder.path());
    drop(Loader::new(&first, LoaderOptions { threads: 3, ..options() }).unwrap());
    let path = first.folder().join("photos.bin");
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::write(&path, vec![0; usize::try_from(length).unwrap()]).unwrap();
    // An open pack believes the blocks that it has summed; the next one looks again.
    let damaged = Arc::new(Pack::open(first.folder()).unwrap());
    let batch = Loader::new(&damaged, options()).unwrap().next().unwrap();
    assert!(matches!(batch, Err(LoadError::Pack(_))));
}
