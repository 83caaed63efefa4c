"""A node's certificate is renewed while it runs."""

import ssl
from pathlib import Path

from cryptography import x509

from tests.cluster import documented
from tests.cluster.houses import ClusterHouse
from tests.indexer.faults.houses import people


def serial(url: str) -> int:
    """Return the serial number of the certificate that a node shows."""
    host, port = url.removeprefix("https://").split(":")
    return x509.load_pem_x509_certificate(
        ssl.get_server_certificate((host, int(port))).encode()
    ).serial_number


def test_a_certificate_is_renewed_without_a_restart(house: ClusterHouse, tmp_path: Path) -> None:
    there = house.there
    node = next(each for each in there.cluster.nodes if each.running)
    before = serial(there.url)
    # Issued as the page says, with the same authority, and put where the node has them.
    issuing = documented.block("issuing")
    documented.script(f"{issuing}\nissue_node {node.name} 127.0.0.1", there.folder)
    for target, source in (("node", node.name), ("node-key", f"{node.name}-key")):
        renewed = tmp_path / "renewed"
        renewed.mkdir(exist_ok=True)
        (renewed / f"{target}.pem").write_bytes((there.folder / f"{source}.pem").read_bytes())
    node.configure(tmp_path / "renewed")
    assert serial(there.url) == before
    there.run("reload certificates")
    assert serial(there.url) != before
    house.load(people(3))
    house.publish()
    house.equal(3)
