"""What the page was taught: whose it is, where it lies, and when it is gone."""

import copy

import numpy as np
import pytest

from clip_app.settings import Settings
from clip_app.tasks.concepts import concept_from_features
from clip_app.ui.concepts import PageConcepts, Visit


def taught(service, name: str):
    row = np.eye(1, service.info.embedding_size, dtype=np.float32)
    return concept_from_features(service, name, row)


@pytest.mark.parametrize("shared", [{"share": True}, {"host": "0.0.0.0"}, {"auth": "ann:secret"}])
def test_each_visitor_of_a_shared_page_has_concepts_of_their_own(service, tmp_path, shared):
    concepts = PageConcepts(Settings(index_dir=tmp_path, **shared))
    one, other = ({concepts.visit: copy.deepcopy(concepts.visit.value)} for _ in range(2))
    concepts.store(one, service).save(taught(service, "Rex"))
    assert [c.name for c in concepts.named(one, service, ["@rex", "cat"])] == ["Rex"]
    assert concepts.named(other, service, ["@rex"]) == ()
    assert concepts.named({concepts.visit: Visit()}, service, ["@rex"]) == ()
    folder = one[concepts.visit].folder
    assert not folder.is_relative_to(tmp_path)
    assert folder.is_dir()
    one[concepts.visit].close()
    assert not folder.exists()


def test_on_ones_own_machine_they_are_those_of_the_terminal(service, tmp_path):
    concepts = PageConcepts(Settings(index_dir=tmp_path))
    concepts.store({}, service).save(taught(service, "Rex"))
    again = PageConcepts(Settings(index_dir=tmp_path))
    assert [c.name for c in again.named({}, service, ["@Rex"])] == ["Rex"]
    assert again.named({}, service, ["Rex"]) == ()
