"""The vectors of `cargo xtask bench search`, the rivals that search them, and the judge of all answers.

    search.py make --rows N --vectors FILE --queries FILE --wanted FILE --truth FILE --dims D [--embeddings CATALOGUE]
    search.py RUNTIME FORM --vectors FILE --queries FILE --wanted FILE --dims D --index PATH [--build] [--filter]
    search.py judge --vectors FILE --queries FILE --truth FILE --dims D --answers FILE [--filter]

`make` writes gallery and queries as rows of little-endian float32 values of unit length, a byte for each row that is 1 where a filter lets it
answer (one row in ten, by chance), and how near the true first and tenth row are to each query, of all rows and of those behind the filter;
it prints what the vectors are. With a catalogue they are its embeddings, in random order: the first are the queries, which the
gallery lacks, and what is missing in the gallery is interpolated between random pairs of the others and given unit length again. Fewer
values than the embeddings have are a random orthogonal projection of them: unlike leading principal axes it favours no axis, so that the
values stay as alike as a network's own are, which counts for int8. Without a catalogue the vectors lie around a thousand random centres, as
`clothingid bench search` makes them.

RUNTIME and FORM: `faiss flat`, `faiss int8` (QT_8bit), `usearch exact` and `usearch hnsw` (one int8 index, with its settings as they come),
`qdrant-edge float` (exact), `qdrant-edge int8` (its scalar quantiser without a graph: every row is compared, a hundred are compared again in
float, as ours does), `qdrant-edge hnsw` (graph and quantiser; twenty are compared again, as its manual advises). With `--build` the index is
made and written to PATH, and the time without the writing is printed; a second process opens it and answers, so that its memory is that of
answering. Both print one JSON object.

With `--filter` only the rows behind the filter may answer. faiss takes a bitmap that was made before, as ours does (`IDSelectorBitmap`).
usearch's Python has no filters: it is asked for twice as many as let ten pass on average, and the others are dropped. Qdrant Edge has an
indexed field of each row, in all its indexes, and the condition is part of the request.

`judge` prints a JSON object for each line of answers: recall@1 and @10, the share of the true nearest that was found. A row counts as one of
the true ones if it is as near as the last of them within 1e-6, for which float32 sums differ by their order.

Needs faiss-cpu, usearch, qdrant-edge-py and numpy. What a careful user would write: a warm-up as long as ours, one query at a time, made
ready before its time is taken, one thread.
"""

import argparse
import itertools
import json
import os
import shutil
import sqlite3
import time
from importlib import metadata
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

WARM_UP = 0.7
LONGEST = 15
TOP = 10
QUERIES = 500
CENTRES = 1000
# Rows made or compared at a time.
PIECE = 1 << 15
# What two float32 sums of the same products may differ by: an ulp of 1 for each of a few roundings.
AS_NEAR = 1e-6
# What a filter lets through.
SHARE = 0.1


def rows_of(path, dims):
    return np.memmap(path, "<f4", "r").reshape(-1, dims)


def wanted_of(args):
    return np.fromfile(args.wanted, bool)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("<f4")


def embeddings(catalogue):
    """The float rows of the identity that has most of them."""
    file = sqlite3.connect(f"{Path(catalogue).resolve().as_uri()}?mode=ro", uri=True)
    most = "SELECT identity FROM embedding_float GROUP BY identity ORDER BY count(*) DESC LIMIT 1"
    blobs = file.execute(f"SELECT floats FROM embedding_float WHERE identity = ({most}) ORDER BY photo").fetchall()
    if len(blobs) < 20:
        raise SystemExit(f"`{catalogue}` has {len(blobs)} embeddings, expected at least 20")
    rows = np.stack([np.frombuffer(floats, "<f4") for (floats,) in blobs])
    return unit(rows[np.linalg.norm(rows, axis=1) > 0])


def real(catalogue, count, dims, chance):
    """Queries, gallery piece by piece, and what they are."""
    rows = chance.permutation(embeddings(catalogue))
    full = rows.shape[1]
    if dims > full:
        raise SystemExit(f"the embeddings of `{catalogue}` have {full} values, fewer than {dims}")
    projected = ""
    if dims < full:
        rows = unit(rows @ np.linalg.qr(chance.standard_normal((full, dims)))[0])
        projected = f", projected from {full} values"
    asked = min(QUERIES, len(rows) // 5)
    queries, rows = rows[:asked], rows[asked:]
    kept = rows[:count]

    def pieces():
        yield kept
        for begin in range(len(kept), count, PIECE):
            these = min(PIECE, count - begin)
            one, other = rows[chance.integers(len(rows), size=(2, these))]
            yield unit(one + chance.random((these, 1), np.float32) * (other - one))

    about = f"{len(kept)} real, {count - len(kept)} interpolated{projected}; {asked} real queries"
    return queries, pieces(), about


def made_up(count, dims, chance):
    centres = unit(chance.uniform(-1, 1, (CENTRES, dims)))

    def near(places):
        around = chance.random((len(places), dims), np.float32) * 2 - 1
        return unit(centres[places % CENTRES] + around * 1.2 / dims**0.5)

    pieces = (near(np.arange(begin, min(begin + PIECE, count))) for begin in range(0, count, PIECE))
    return near(np.arange(QUERIES) * 7), pieces, f"made up around {CENTRES} centres; {QUERIES} queries"


def make(args):
    chance = np.random.default_rng(7)
    if args.embeddings:
        queries, pieces, about = real(args.embeddings, args.rows, args.dims, chance)
    else:
        queries, pieces, about = made_up(args.rows, args.dims, chance)
    queries.tofile(args.queries)
    with open(args.vectors, "wb") as file:
        for piece in pieces:
            piece.tofile(file)
    rows, wanted = rows_of(args.vectors, args.dims), chance.random(args.rows) < SHARE
    wanted[0] = True
    wanted.tofile(args.wanted)
    everyone, filtered = [np.empty((len(queries), 0), np.float32)] * 2
    for begin in range(0, len(rows), PIECE):
        similarities = queries @ rows[begin : begin + PIECE].T
        everyone = best(np.hstack([everyone, similarities]))
        filtered = best(np.hstack([filtered, similarities[:, wanted[begin : begin + PIECE]]]))
    np.hstack([everyone[:, [0, -1]], filtered[:, [0, -1]]]).tofile(args.truth)
    print(f"{about}; {wanted.sum()} rows behind the filter")


def best(similarities):
    """The ten largest of each row, largest first."""
    if similarities.shape[1] > TOP:
        similarities = np.partition(similarities, -TOP, axis=1)[:, -TOP:]
    return -np.sort(-similarities, axis=1)


def judge(args):
    rows, queries = rows_of(args.vectors, args.dims), rows_of(args.queries, args.dims)
    bars = rows_of(args.truth, 4)[:, 2 * args.filter :][:, :2] - AS_NEAR
    wanted = min(TOP, np.count_nonzero(wanted_of(args)) if args.filter else len(rows))
    for line in open(args.answers):
        found = json.loads(line)["found"]
        first = ten = 0
        for answer, query, (nearest, tenth) in zip(found, queries, bars):
            similarities = rows[answer] @ query
            first += bool(answer) and similarities[0] >= nearest
            ten += len({row for row, similarity in zip(answer[:TOP], similarities) if similarity >= tenth})
        print(json.dumps({"recall_at_1": first / len(found), "recall_at_10": ten / len(found) / wanted}))


class Faiss:
    """`search` takes a float query."""

    selected = None

    def __init__(self, form):
        import faiss

        faiss.omp_set_num_threads(1)
        self.module, self.form, self.version = faiss, form, faiss.__version__

    def build(self, rows):
        if self.form == "flat":
            self.index = self.module.IndexFlatIP(rows.shape[1])
        else:
            kind = self.module.ScalarQuantizer.QT_8bit
            self.index = self.module.IndexScalarQuantizer(rows.shape[1], kind, self.module.METRIC_INNER_PRODUCT)
        self.index.train(rows)
        self.index.add(rows)

    def save(self, path):
        self.module.write_index(self.index, path)

    def open(self, path):
        self.index = self.module.read_index(path)

    def filter(self, wanted):
        # The selector keeps no array of its own.
        self.bitmap = np.packbits(wanted, bitorder="little")
        self.selected = self.module.SearchParameters(sel=self.module.IDSelectorBitmap(self.bitmap))

    def ready(self, query):
        return query[None]

    def search(self, query):
        return self.index.search(query, TOP, params=self.selected)

    def rows(self, answer):
        # −1 stands where there are fewer rows than asked for.
        return [row for row in answer[1][0].tolist() if row >= 0]


class Usearch:
    """`search` takes an int8 query. Floats would be cast by usearch, with one scale for all values that a unit vector can have: of 127 steps
    some 25 are used, and recall@10 falls (0.90 in place of 0.99, when this was written). With a scale of its own a row uses all of them, and a
    cosine does not see the scale."""

    wanted, asked = None, TOP

    def __init__(self, form):
        import usearch
        from usearch.index import Index

        self.module, self.form, self.version = Index, form, usearch.__version__

    @staticmethod
    def int8(rows):
        return np.rint(rows / np.abs(rows).max(-1, keepdims=True) * 127).astype(np.int8)

    def build(self, rows):
        self.index = self.module(ndim=rows.shape[1], metric="cos", dtype="i8")
        for begin in range(0, len(rows), PIECE):
            piece = self.int8(rows[begin : begin + PIECE])
            self.index.add(np.arange(begin, begin + len(piece)), piece, threads=1)

    def save(self, path):
        self.index.save(path)

    def open(self, path):
        self.index = self.module.restore(path)

    def filter(self, wanted):
        self.wanted, self.asked = wanted, round(2 * TOP / SHARE)

    def ready(self, query):
        return self.int8(query)

    def search(self, query):
        found = self.index.search(query, self.asked, exact=self.form == "exact", threads=1).keys
        return found if self.wanted is None else found[self.wanted[found]][:TOP]

    def rows(self, answer):
        return answer.tolist()


class QdrantEdge:
    """`search` takes a request. A graph of no links is no graph; a threshold of 1 KiB has every segment optimised, however small."""

    condition = None

    def __init__(self, form):
        import qdrant_edge

        self.module, self.form, self.version = qdrant_edge, form, metadata.version("qdrant-edge-py")

    def build(self, rows):
        edge, path = self.module, self.path
        graph = edge.HnswIndexConfig(
            m=16 if self.form == "hnsw" else 0, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=1
        )
        int8 = edge.ScalarQuantizationConfig(edge.ScalarType.Int8, memory=edge.Memory.Pinned)
        config = edge.EdgeConfig(
            edge.EdgeVectorParams(rows.shape[1], edge.Distance.Dot),
            hnsw_config=graph,
            quantization_config=None if self.form == "float" else int8,
            optimizers=edge.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1),
            max_search_threads=1,
            wal_enabled=False,
        )
        Path(path).mkdir()
        self.shard = edge.EdgeShard.create(path, config)
        self.shard.update(edge.UpdateOperation.create_field_index("wanted", edge.PayloadSchemaType.Integer))
        for begin in range(0, len(rows), 1000):
            piece = enumerate(zip(rows[begin : begin + 1000].tolist(), self.wanted[begin : begin + 1000].tolist()), begin)
            points = [edge.Point(number, row, {"wanted": int(wanted)}) for number, (row, wanted) in piece]
            self.shard.update(edge.UpdateOperation.upsert_points(points))
        self.shard.optimize()

    def save(self, path):
        self.shard.flush()
        self.shard.close()

    def open(self, path):
        self.shard = self.module.EdgeShard.load(path)

    def filter(self, wanted):
        edge = self.module
        # An integer: this version reads `True` of Python as 1, which no boolean field has.
        self.condition = edge.Filter(must=[edge.FieldCondition("wanted", match=edge.MatchValue(1))])

    def ready(self, query):
        edge = self.module
        again = edge.QuantizationSearchParams(rescore=True, oversampling=2.0 if self.form == "hnsw" else 10.0)
        params = edge.SearchParams(exact=self.form == "float", quantization=again)
        return edge.QueryRequest(TOP, query=edge.Query.Nearest(query.tolist()), filter=self.condition, params=params)

    def search(self, query):
        return self.shard.query(query)

    def rows(self, answer):
        return [point.id for point in answer]


RIVALS = {"faiss": Faiss, "usearch": Usearch, "qdrant-edge": QdrantEdge}


def memory_mib(key):
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    return round(int(status[key].split()[0]) / 1024, 1)


def build(rival, args):
    rival.path, rival.wanted = args.index, wanted_of(args)
    started = time.perf_counter()
    rival.build(rows_of(args.vectors, args.dims))
    took = time.perf_counter() - started
    rival.save(args.index)
    return {"build_ms": round(took * 1e3, 1)}


def answer(rival, args):
    if args.filter:
        rival.filter(wanted_of(args))
    queries = [rival.ready(query) for query in np.fromfile(args.queries, "<f4").reshape(-1, args.dims)]
    empty = memory_mib("VmRSS")
    started = time.perf_counter()
    rival.open(args.index)
    load = time.perf_counter() - started
    started = time.perf_counter()
    for query in itertools.cycle(queries):
        rival.search(query)
        if time.perf_counter() - started >= WARM_UP:
            break
    times, answers = [], []
    started = time.perf_counter()
    for query in queries:
        if time.perf_counter() - started >= LONGEST:
            break
        begun = time.perf_counter()
        found = rival.search(query)
        times.append(round((time.perf_counter() - begun) * 1e3, 4))
        answers.append(rival.rows(found))
    return {
        "load_ms": round(load * 1e3, 2),
        "median_ms": round(float(np.median(times)), 4),
        "p99_ms": round(float(np.quantile(times, 0.99, method="inverted_cdf")), 4),
        "min_ms": min(times),
        "samples": len(times),
        "empty_mib": empty,
        "memory_mib": memory_mib("VmHWM"),
        "all_ms": times,
        "found": answers,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runtime", choices=["make", "judge", *RIVALS])
    parser.add_argument("form", nargs="?")
    parser.add_argument("--vectors", required=True)
    parser.add_argument("--queries", required=True)
    parser.add_argument("--wanted", required=True)
    parser.add_argument("--dims", type=int, required=True)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--truth")
    parser.add_argument("--embeddings")
    parser.add_argument("--answers")
    parser.add_argument("--index")
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--filter", action="store_true")
    args = parser.parse_args()
    if args.runtime == "make":
        make(args)
    elif args.runtime == "judge":
        judge(args)
    else:
        rival = RIVALS[args.runtime](args.form)
        measured = (build if args.build else answer)(rival, args)
        rows = os.path.getsize(args.vectors) // (4 * args.dims)
        engine = f"{args.runtime} {rival.version} {args.form}"
        print(json.dumps({"bench": "search", "engine": engine, "rows": rows, "dims": args.dims, **measured}))


main()
