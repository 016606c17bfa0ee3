"""Migrations of a store's schema: they lead to the tables of the code, and keep what was stored."""

import json
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from results.store.database import schema
from results.store.database.connect import connect, store_url, writer_of
from results.store.database.tables import VERSION_TABLE, metadata
from results.store.store import Store


def test_migrations_lead_to_the_tables_of_the_code(store, where):
    engine = connect(store_url(where))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


VELAS_OWN = "720a0f002b869c02a94a59d88c3392827fbb87419257ff8272bc4edeaca33172"
OLD_MEASUREMENT = {
    "device": "kit", "label": "measured", "program": "net.pte", "program_sha256": "a1" * 32, "cycles": 100,
    "predicted_cycles": 110, "model_version": "3", "parts": [], "board_facts": "", "compiler_cycles": None,
    "source": "", "created": "2026",
}  # fmt: skip


def test_measurements_outlive_the_schema_in_which_targets_had_columns(where):
    engine = connect(store_url(where))
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")).replace("%", "%%"))
    with writer_of(engine).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "4")
        for number, config_sha256 in enumerate((VELAS_OWN, "d0" * 32), 1):
            target = {
                "accelerator": "ethos-u55-128", "system_config": "System", "memory_mode": "Mode",
                "vela_config_sha256": config_sha256,
            }  # fmt: skip
            columns = ", ".join(f":{name}" for name in target)
            connection.execute(text(f"INSERT INTO targets VALUES (:id, {columns})"), {"id": number, **target})
            record = json.dumps({**OLD_MEASUREMENT, "target": target})
            values = {"id": number, "key": f"k{number}", "target_id": number, "label": "measured", "record": record}
            connection.execute(text("INSERT INTO measurements VALUES (:id, :key, :target_id, :label, :record)"), values)
    engine.dispose()
    with Store.open(where) as store:
        found = store.measurements.all()
        assert [one.target.facts["vela_config"] for one in found] == ["Arm/vela.ini", "sha256 " + "d0" * 32]
        assert {(one.target.family, one.target.name) for one in found} == {("ethos-u", "ethos-u55-128")}
        assert store.measurements.record_all(found) == 0, "they have the keys that they would be given today"
        assert store.bests.all() == []
