"""The disk as a power cut leaves it: what was flushed, and of the rest what chance kept. Rebuilt from the log that
block_log.cpp wrote, mounted, served, and held against the history of what clients did and were told.

As a program, in namespaces of its own (unshare -mn): crash_images.py FOLDER SEED FIRST LAST [lie], the images of
history['cuts'][FIRST:LAST]; prints a line of JSON with what it counted and found."""
import hashlib
import json
import mmap
import pathlib
import random
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
# pylint: disable=wrong-import-position
import boto3
from botocore.config import Config
from confluent_kafka import Consumer, TopicPartition

from kafka_client import token_of
from server import REGION, Mekong

HEAD = struct.Struct('=QQQ')
WRITE, FLUSH = 1, 2
SECTOR_BYTES, BLOCK_BYTES = 512, 4096
LIE_ENTRIES = 1500  # a disk that lies has forgotten this many
PARTITIONS = 4


def copy(disk, target):
    """What was never written stays a hole: most of a disk."""
    subprocess.run(['cp', '--sparse=auto', disk, target], check=True)


class Disk:
    """The images of one log, for growing cuts."""

    def __init__(self, base, log):
        self.base = open(base, 'r+b')  # pylint: disable=consider-using-with
        with open(log, 'rb') as file:
            self.bytes = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self.at = self.entry = 0  # of the log: all before is in `base`
        self.tail = []            # read, not applied

    def next(self):
        if self.at + HEAD.size > len(self.bytes):
            return None
        kind, offset, size = HEAD.unpack_from(self.bytes, self.at)
        self.at += HEAD.size + (size if kind == WRITE else 0)
        self.entry += 1
        return kind, offset, self.bytes[self.at - size:self.at] if kind == WRITE else b''

    def apply(self, file, writes):
        for offset, data in writes:
            file.seek(offset)
            file.write(data)
        file.flush()

    def build(self, cut, dice, target, lie=False):
        """The disk after the log's first `cut` entries. `lie`: flushes do not count for the newest of them."""
        while self.entry < cut:
            entry = self.next()
            if entry is None:
                break
            kind, offset, data = entry
            if kind == WRITE:
                self.tail.append((self.entry, offset, data))
            else:
                keep_from = cut - LIE_ENTRIES if lie else cut + 1
                self.apply(self.base, [(o, d) for number, o, d in self.tail if number < keep_from])
                self.tail = [one for one in self.tail if one[0] >= keep_from]
        copy(self.base.name, target)
        share, kept = dice.choice([0, 0.5, 0.5, 0.9, 1]) if not lie else 0.5, []
        for _, offset, data in self.tail:
            if dice.random() >= share:
                continue
            # ext4 trusts the disk with the block of its superblock, which it writes in place: torn, it cannot be mounted.
            torn = share < 1 and len(data) > SECTOR_BYTES and offset >= BLOCK_BYTES and dice.random() < 0.2
            kept.append((offset, data[:dice.randrange(len(data) // SECTOR_BYTES) * SECTOR_BYTES] if torn else data))
        with open(target, 'r+b') as file:
            self.apply(file, kept)


def allowed(history, cut):
    """What each register may hold: what was acknowledged last before the cut, or what was then under way."""
    may_be = {}
    for op in history['ops']:  # of one register: in order
        values = may_be.setdefault((op['kind'], op['key']), [None])
        if op['end'] is not None and op['end'] <= cut:
            values[:] = [op['after']]
        elif op['begin'] <= cut:
            values.append(op['after'])
    return may_be


def check_records(history, cut, found):
    for partition in range(PARTITIONS):
        sent = [one for one in history['records'] if one['partition'] == partition]
        there = found.get(('in', partition), [])
        if [offset for offset, _ in there] != list(range(len(there))):
            yield f'partition {partition}: offsets with a gap, {[offset for offset, _ in there][:20]}…'
        if [value for _, value in there] != [one['value'] for one in sent[:len(there)]]:
            yield f'partition {partition}: other records than were sent, or in another order'
        acknowledged = sum(one['end'] is not None and one['end'] <= cut for one in sent)
        if len(there) < acknowledged:
            yield f'partition {partition}: {acknowledged} records acknowledged, {len(there)} there'
        if any(one['begin'] > cut for one in sent[:len(there)]):
            yield f'partition {partition}: a record from after the cut'


def check_transactions(history, cut, found, position):
    """All of each transaction or nothing, its records and its position together."""
    values = sorted(value for partition in range(2) for _, value in found.get(('out', partition), []))
    fitting = []
    done = []
    for one in [None, *history['transactions']]:
        if one is not None:
            if one['begin'] > cut:
                break
            if one['aborted']:
                continue
            done.append(one)
            if one['end'] is not None and one['end'] <= cut:
                fitting.clear()
        fitting.append((sorted(value for each in done for value in each['values']), done[-1]['position'] if done else None))
    if (values, position) not in fitting:
        yield (f'transactions: {len(values)} records and position {position} fit none of '
               f'{[(len(v), p) for v, p in fitting]}')


class Reader:
    """One worker's clients, of a server that is another at each image and has the same ports."""

    def __init__(self, history, data):
        self.history, env = history, history['env']
        session = boto3.Session(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], region_name=REGION)
        config = Config(retries={'total_max_attempts': 3})
        self.s3, self.glue, self.iam = (session.client(name, endpoint_url=f'http://127.0.0.1:{history["ports"][0]}',
                                                       config=config) for name in ('s3', 'glue', 'iam'))
        self.kafka = {'bootstrap.servers': history['brokers'], 'security.protocol': 'SASL_SSL',
                      'ssl.ca.location': f'{data}/ca.pem', 'sasl.mechanism': 'OAUTHBEARER', 'log_level': 0,
                      'oauth_cb': lambda _: (token_of(env)[0], time.time() + 600), 'fetch.wait.max.ms': 5,
                      'isolation.level': 'read_committed', 'enable.partition.eof': True, 'enable.auto.commit': False}

    def records(self):
        consumer = Consumer({**self.kafka, 'group.id': 'checker'})
        partitions = [('in', i) for i in range(PARTITIONS)] + [('out', i) for i in range(2)]
        consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in partitions])
        found, ended, deadline = {}, set(), time.time() + 20
        while len(ended) < len(partitions):
            for message in consumer.consume(5000, 0.02):
                if message.error():
                    ended.add((message.topic(), message.partition()))
                else:
                    where = message.topic(), message.partition()
                    found.setdefault(where, []).append((message.offset(), message.value().decode()))
            if time.time() > deadline:
                raise TimeoutError('the topics cannot be read to their ends')
        consumer.close()
        return found

    def position(self, group):
        tokens = []

        def refresh(word):
            tokens.append(self.kafka['oauth_cb'](word))
            return tokens[-1]
        # A transaction that the cut left open is not waited for.
        consumer = Consumer({**self.kafka, 'group.id': group, 'oauth_cb': refresh, 'isolation.level': 'read_uncommitted'})
        while not tokens:  # committed() does not serve it
            consumer.poll(0.01)
        at, = consumer.committed([TopicPartition('in', 0)], timeout=10)
        consumer.close()
        return at.offset if at.offset >= 0 else None

    def registers(self):
        """What the registers hold; one that is not there holds None."""
        listed = [one['Key'] for one in self.s3.list_objects_v2(Bucket='crash').get('Contents', [])]
        now = {('s3', key): hashlib.md5(self.s3.get_object(Bucket='crash', Key=key)['Body'].read()).hexdigest()
               for key in listed}
        for table in self.glue.get_tables(DatabaseName='crash')['TableList']:
            now['glue', table['Name']] = table['Description']
        for tag in self.iam.list_user_tags(UserName='crash')['Tags']:
            now['iam', tag['Key']] = tag['Value']
        return now

    def findings(self, cut):
        # Side by side: librdkafka takes a second to begin, whatever one does.
        with ThreadPoolExecutor() as pool:
            asked = [pool.submit(self.records), *(pool.submit(self.position, group) for group in ('copier', 'plain'))]
            now = self.registers()
            found, copied, now['group', 'plain'] = (one.result() for one in asked)
        yield from check_records(self.history, cut, found)
        yield from check_transactions(self.history, cut, found, copied)
        may_be = allowed(self.history, cut)
        for register in may_be.keys() | {one for one in now if now[one] is not None}:
            if now.get(register) not in may_be.get(register, [None]):
                yield f'{register} holds {now.get(register)}, and not one of {may_be.get(register)}'


def mounted(image, folder):
    device = subprocess.run(['losetup', '-f', '--show', image], check=True, capture_output=True, text=True).stdout.strip()
    try:
        subprocess.run(['mount', '-t', 'ext4', device, folder], check=True)
    finally:
        subprocess.run(['losetup', '-d', device], check=True)  # goes with the mount


def unmount(folder):
    """Once the last of a killed server's children has gone."""
    for _ in range(500):
        done = subprocess.run(['umount', folder], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        time.sleep(0.01)
    raise OSError(done.stderr)


def kill(server):
    if server.process is not None:
        server.kill()
        server.process.stdout.close()
        server.log.close()


def end_of_log(folder):
    try:
        return pathlib.Path(folder, 'data.log').read_text()[-600:]
    except OSError as failure:  # a disk that lies loses the file system's own records, too
        return repr(failure)


def check_image(history, reader, image, folder, cut, verified):
    """What is wrong with one image."""
    try:
        mounted(image, folder)
    except subprocess.CalledProcessError as failure:
        yield repr(failure)
        return
    server = Mekong(f'{folder}/data')
    server.port, server.metastore_port, server.kafka_port = history['ports']
    try:
        if verified:
            done = server.command('verify', '--json')
            if done.returncode != 0:
                yield f'verify: {done.stdout} {done.stderr}'
        server.start()
        yield from reader.findings(cut)
    except Exception as failure:  # pylint: disable=broad-exception-caught
        yield f'{failure!r}; the log: {end_of_log(folder)}'
    finally:
        kill(server)
        unmount(folder)


def main(folder, seed, first, last, lie=''):
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    history = json.loads(pathlib.Path(folder, 'history.json').read_text())
    base, image, mount = (f'{folder}/{name}.{first}{lie}' for name in ('base', 'image', 'mount'))
    copy(f'{folder}/base', base)
    pathlib.Path(mount).mkdir()
    disk, dice, reader = Disk(base, f'{folder}/log'), random.Random(f'{seed} {first}'), Reader(history, f'{mount}/data')
    counted, found = 0, []
    for cut in sorted(history['cuts'][int(first):int(last)]):
        disk.build(cut, dice, image, bool(lie))
        found += [f'cut at {cut}: {one}' for one in check_image(history, reader, image, mount, cut, counted % 10 == 0)]
        counted += 1
        pathlib.Path(image).unlink()
    print(json.dumps({'images': counted, 'findings': found}))


if __name__ == '__main__':
    main(*sys.argv[1:])
