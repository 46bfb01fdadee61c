"""Exporting as a flow: a deployment's parameters, through Prefect."""

import json
from pathlib import Path

from components.people.exports import ExportSpec
from flows.export_posts import export_posts
from flows.settings import Settings
from tests.people.conftest import Posts
from tests.people.test_opinions import a_review


def test_the_export_runs_as_a_flow_on_the_parameters_of_a_deployment(home: Settings, tmp_path: Path) -> None:
    posts = Posts(home.home, [])
    post = posts.post("Approved and exported.", with_picture=False)
    posts.done().store().append({"reviews": [a_review(post.post_id, "approve")]})
    parameters = {"what": "posts", "format": "json", "out": str(tmp_path / "approved.json")}
    done = export_posts(ExportSpec.model_validate(parameters))
    assert done.rows == 1
    assert json.loads((tmp_path / "approved.json").read_text())[0]["text"] == "Approved and exported."
