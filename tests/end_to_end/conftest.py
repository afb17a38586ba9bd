import asyncio, uuid
import asyncpg, pytest
from adapters.postgres.embedded_server import embedded_postgres
from adapters.postgres.pool import connect
from adapters.postgres.schema import migrate_to_latest
from pathlib import Path
import tempfile, shutil

@pytest.fixture(scope="session")
def server_url():
    d=tempfile.mkdtemp(dir="/var/tmp")
    with embedded_postgres(Path(d)) as url: yield url
    shutil.rmtree(d)

@pytest.fixture
async def empty_database_url(server_url):
    name="t"+uuid.uuid4().hex
    c=await asyncpg.connect(server_url); await c.execute(f"create database {name}"); await c.close()
    yield server_url.replace("/postgres?",f"/{name}?")

@pytest.fixture
async def service_environment(empty_database_url):
    c=await connect(empty_database_url); await migrate_to_latest(c); await c.close()
    return {"TRUNKLINE_DATABASE_URL":empty_database_url,"TRUNKLINE_PORT":"0"}

@pytest.fixture
def short_tmp_path():
    d=tempfile.mkdtemp(dir="/var/tmp"); yield Path(d); shutil.rmtree(d)
