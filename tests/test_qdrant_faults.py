"""A cluster of three real nodes, of which one dies or falls behind; `benchmarks/qdrant_faults.py`
has each of them die and freeze many times.
"""

import time

import pytest
from qdrant_client import QdrantClient, models

from clip_app.errors import StorageError
from clip_app.gallery.stores import qdrant_nodes
from clip_app.gallery.stores.qdrant_nodes import Nodes
from clip_app.gallery.stores.qdrant_points import point_id
from clip_app.gallery.stores.qdrant_server import QdrantServer, index_name
from clip_app.gallery.stores.qdrant_store import QdrantStore
from clip_app.strings import text
from clip_app.terminal import main
from tests.qdrant_gallery import Compared
from tests.qdrant_servers import contents, replica_sizes, running, settled, together

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def gallery(service, tmp_path_factory):
    """One for all, as making it takes seconds; each test begins with all nodes well."""
    place = tmp_path_factory.mktemp("cluster")
    with running(place, 3) as nodes:
        gallery = Compared(service, nodes, place / "gallery")
        gallery.add(60)
        gallery.index()
        yield gallery
        gallery.close()


def trouble(gallery):
    found = gallery.library.galleries(None, closely=True)[0].trouble
    return found.key if found else None


def test_the_node_that_is_addressed_may_die_in_the_middle_of_a_run(gallery, caplog, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    first = gallery.nodes[0]
    made = gallery.store._server.ask("get_collection", gallery.collections[0]).config.params
    assert (made.shard_number, made.replication_factor, made.write_consistency_factor) == (6, 2, 1)
    assert trouble(gallery) is None
    gallery.add(40)
    gallery.remove(20)
    gallery.when("write", first.kill)
    assert gallery.index().encoded == 40
    expected = gallery.searched(gallery.store)
    assert len(expected[0]) == 20
    assert trouble(gallery) == "qdrant_node_away"
    caplog.clear()
    gallery.index(verify=True)
    away = text("qdrant_node_away", "en", number=1, nodes=3)
    not_compared = text("qdrant_not_compared", "en", reason=away)
    assert [one.message for one in caplog.records if "compared" in one.message] == [not_compared]
    first.start()
    gallery.assert_agree()
    assert trouble(gallery) is None
    assert gallery.searched(gallery.store) == expected


def test_replicas_that_differ_and_places_that_are_old_are_right_after_the_next_run(gallery):
    """As our advice once had it: what two replicas must have, and one gets, is on one for good. And
    what a frozen node does when it wakes: all replicas have what is old.
    """
    store, other = gallery.store, gallery.nodes[1]
    server = store._server
    images, files = gallery.collections
    names = [sorted(contents(gallery.nodes[0], one)) for one in (images, files)]
    with pytest.raises(KeyboardInterrupt), store.lock():  # noqa: PT012
        store.label([])
        raise KeyboardInterrupt  # as a run that is cut short
    server.set_payload(images, {"places": [], "used": False}, names[0][:10])
    server.delete_points(images, models.PointIdsList(points=names[0][10:20]))
    for one in (images, files):
        must_have = models.CollectionParamsDiff(write_consistency_factor=2)
        server.ask("update_collection", one, collection_params=must_have)
    there = server.retrieve(images, names[0][:10], with_vectors=True)
    moved = [
        models.PointVectors(id=one.id, vector=[each + 1e-6 for each in one.vector]) for one in there
    ]
    other.kill()
    with pytest.raises(StorageError):
        server.nodes.ask_each(gallery.nodes[0].url, "update_vectors", images, moved, wait=True)
    for one, ids in zip((images, files), names, strict=True):
        for act, options in (
            ("set_payload", {"payload": {"look": "0"}, "points": ids[20:40]}),
            ("delete", {"points_selector": models.PointIdsList(points=ids[40:])}),
        ):
            with pytest.raises(StorageError):
                server.nodes.ask_each(gallery.nodes[0].url, act, one, wait=True, **options)
        may_have = models.CollectionParamsDiff(write_consistency_factor=1)
        server.ask("update_collection", one, collection_params=may_have)
    other.start()
    settled(gallery.nodes, [images, files])
    held = [contents(node, images) for node in gallery.nodes]
    assert len({len(one) for one in held}) > 1
    report = gallery.index()
    assert report.repaired >= 20
    gallery.index(verify=True)  # compares vectors too
    gallery.assert_agree()
    assert gallery.index().repaired == 0


def test_verify_by_one_address_mends_what_only_other_nodes_hold(
    gallery, caplog, monkeypatch, tmp_path
):
    """A replica is put back to when vectors were wrong and there were pictures that are gone."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    first, second, third = gallery.nodes
    images, server = gallery.collections[0], gallery.store._server
    shard = min(replica_sizes([second], images).keys() & replica_sizes([third], images).keys())
    there = list(server.scroll(images, with_vectors=True))
    right = [models.PointVectors(id=one.id, vector=one.vector) for one in there]
    wrong = [models.PointVectors(id=one.id, vector=[-n for n in one.vector]) for one in there]
    gone = [bytes([number] * 32) for number in range(30)]
    ids = [point_id(one) for one in gone]
    server.upsert(
        images,
        [
            models.PointStruct(
                id=name, vector=there[0].vector, payload=there[0].payload | {"hash": one.hex()}
            )
            for name, one in zip(ids, gone, strict=True)
        ],
    )
    server.ask("update_vectors", images, wrong, wait=True)
    client = QdrantClient(url=third.url, check_compatibility=False)
    snapshot = client.create_shard_snapshot(images, shard)
    server.ask("update_vectors", images, right, wait=True)
    server.delete_points(images, models.PointIdsList(points=ids))
    client.recover_shard_snapshot(
        images,
        shard,
        f"{third.url}/collections/{images}/shards/{shard}/snapshots/{snapshot.name}",
        priority=models.SnapshotPriority.NO_SYNC,
    )
    client.close()
    held, other = contents(third, images), contents(second, images)
    assert set(held) - set(other)
    torn = sum(held[one] != other[one] for one in other)
    alone = QdrantServer(Nodes(first.url), tmp_path)
    key = gallery.store.key
    report = gallery.index(QdrantStore(alone, index_name(key), key), verify=True)
    alone.close()
    assert report.repaired > torn > 0
    not_named = text("qdrant_not_named", "en", number=1, nodes=3)
    assert not_named in [one.message for one in caplog.records]
    gallery.assert_agree()
    caplog.clear()
    gallery.index(verify=True)
    assert not caplog.records


def test_a_cluster_without_most_of_its_nodes_is_one_sentence(gallery, capsys, monkeypatch):
    """The last one here: a cluster of which one node is left takes long to come back."""
    first, second, left = gallery.nodes
    first.kill()
    second.kill()
    # A run waits for them so long, a search does not.
    monkeypatch.setattr(qdrant_nodes, "_PATIENCE_IN_RUN_SECONDS", 120.0)
    began = time.monotonic()
    with pytest.raises(StorageError):
        gallery.searched(gallery.store)
    assert time.monotonic() - began < 60
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("CLIP_APP_GALLERY_STORE", f"qdrant+{together(gallery.nodes)}")
    for command in (["status"], ["search", "--text", "cat"]):
        assert main(command) == 2
        told = capsys.readouterr().err.splitlines()
        assert told[-1:] == [text("qdrant_node_away", "zh", number=2, nodes=3)]
    monkeypatch.setenv("CLIP_APP_GALLERY_STORE", f"qdrant+{left.url}")
    assert main(["search", "--text", "cat"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[-1:] == [text("qdrant_others_away", "zh", store=left.url)]
