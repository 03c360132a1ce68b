use super::*;
use proptest::prelude::*;

/// Rows as they lie in memory, padded with what nobody should use.
fn block(rows: &[Vec<i8>], stride: usize) -> Vec<u8> {
    let padded = |row: &Vec<i8>| {
        row.iter().map(|value| byte(*value)).chain(std::iter::repeat(0xa5)).take(stride).collect::<Vec<u8>>()
    };
    rows.iter().flat_map(padded).collect()
}

fn expected(query: &[i8], rows: &[Vec<i8>]) -> Vec<i32> {
    let dot = |row: &Vec<i8>| query.iter().zip(row).map(|(q, r)| i32::from(*q) * i32::from(*r)).sum();
    rows.iter().map(dot).collect()
}

/// One whose memory another query has had.
fn query_of(values: &[i8], set: InstructionSet) -> Query {
    let mut query = Query::new(set);
    query.set(&[99; 300]);
    query.set(values);
    query
}

/// Every kernel of this machine against plain products.
fn check(query: &[i8], rows: &[Vec<i8>]) {
    let expected = expected(query, rows);
    for set in InstructionSet::of_this_machine() {
        let query = query_of(query, set);
        assert_eq!(query.sums(&block(rows, query.stride()))[..], expected, "{set}");
    }
}

#[test]
fn the_largest_products_do_not_overflow() {
    let largest = vec![vec![-127; MOST_VALUES]; BLOCK];
    check(&largest[0], &largest);
    check(&vec![127; MOST_VALUES], &largest);
}

#[test]
fn one_spoilt_value_is_noticed() {
    let rows = vec![vec![3; 70]; BLOCK];
    for place in [0, 15, 31, 63, 64, 69] {
        let mut spoilt = rows.clone();
        spoilt[5][place] = 4;
        for set in InstructionSet::of_this_machine() {
            let query = query_of(&[2; 70], set);
            let [right, wrong] = [&rows, &spoilt].map(|rows| query.sums(&block(rows, query.stride())));
            assert_eq!((wrong[5] - right[5], wrong[4]), (2, right[4]), "{set}");
        }
    }
}

proptest! {
    #[test]
    fn sums_are_those_of_plain_products(
        (query, rows) in (1_usize..200).prop_flat_map(|values| {
            let row = || prop::collection::vec(-127_i8..=127, values);
            (row(), prop::collection::vec(row(), BLOCK))
        }),
    ) {
        check(&query, &rows);
    }
}
