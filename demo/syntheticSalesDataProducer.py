"""Synthetic sales records for a Kafka topic of MSK: a backfill of the last 30 days, then live ones until it is stopped.

Prints one JSON line for each record that the cluster acknowledged: its partition, its offset and the record. Credentials
are found as boto3 finds them. SIGTERM or SIGINT: what was sent is acknowledged and printed, then it ends. Exit code 1: a
record was refused; the error's name stands on stderr.
"""
import argparse
import datetime
import json
import random
import signal
import socket
import string
import sys
import threading

from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.net.sasl.oauth import AbstractTokenProvider

PRODUCTS = {
    'Electronics': ('Laptop', 'Smartphone', 'Tablet', 'Headphones', 'Smart TV'),
    'Clothing': ('T-shirt', 'Jeans', 'Dress', 'Shirt', 'Jacket'),
    'Beauty': ('Perfume', 'Makeup', 'Skincare', 'Hair Products', 'Bath Products'),
}
LIVE_RECORDS = 3
LIVE_PAUSE_SECONDS = 1.0


class SignedToken(AbstractTokenProvider):
    def __init__(self, region):
        super().__init__()
        self.region = region

    def token(self):
        return MSKAuthTokenProvider.generate_auth_token(self.region)[0]


def identifier(length):
    return ''.join(random.choices(string.ascii_uppercase + string.digits, k=length))


def sale(moment):
    category = random.choice(list(PRODUCTS))
    quantity = random.randint(1, 5)
    price = round(random.uniform(10, 500), 2)
    return {
        'transaction_id': identifier(15), 'date': moment.strftime('%Y-%m-%d %H:%M:%S'), 'customer_id': identifier(10),
        'gender': random.choice(('Male', 'Female')), 'age': random.randint(18, 50), 'product_category': category,
        'product_name': random.choice(PRODUCTS[category]), 'quantity': quantity, 'price_per_unit': price,
        'cogs': round(price * random.uniform(0.5, 0.9), 2), 'total_amount': round(quantity * price, 2)}


def backfill(count):
    """Sales of the 30 days up to yesterday."""
    now = datetime.datetime.now(datetime.timezone.utc)
    for _ in range(count):
        yield sale(now - datetime.timedelta(days=random.uniform(1, 31)))


def send(producer, topic, sales):
    """Sends all, waits for the acknowledgements, prints them."""
    sent = [(record, producer.send(topic, json.dumps(record).encode())) for record in sales]
    producer.flush()
    for record, future in sent:
        got = future.get()
        print(json.dumps({'partition': got.partition, 'offset': got.offset, 'record': record}), flush=True)


def produce(arguments, stopped):
    login = {}
    if not arguments.unsigned:
        login = {'sasl_mechanism': 'OAUTHBEARER', 'sasl_oauth_token_provider': SignedToken(arguments.region)}
    producer = KafkaProducer(
        bootstrap_servers=arguments.bootstrap_server, security_protocol='SASL_SSL' if login else 'SSL',
        client_id=socket.gethostname(), max_block_ms=arguments.timeout_ms,
        bootstrap_timeout_ms=arguments.timeout_ms, **login)
    try:
        send(producer, arguments.sales_data_topic, backfill(arguments.num_records))
        while not stopped.is_set():
            now = datetime.datetime.now(datetime.timezone.utc)
            send(producer, arguments.sales_data_topic, [sale(now) for _ in range(LIVE_RECORDS)])
            stopped.wait(LIVE_PAUSE_SECONDS)
    finally:
        producer.close(timeout=5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--num_records', type=int, default=1000, help='records of the backfill (1000)')
    parser.add_argument('--bootstrap_server', required=True, help='HOST:PORT of the cluster, as MSK names it')
    parser.add_argument('--sales_data_topic', default='sales_data_topic')
    parser.add_argument('--region', default='us-east-1')
    parser.add_argument('--timeout_ms', type=int, default=30_000, help='how long to wait for the cluster (30000)')
    parser.add_argument('--unsigned', action='store_true', help='do not log in, to see it refused')
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        produce(parser.parse_args(), stopped)
    except KafkaError as refused:
        print(f'{type(refused).__name__}: {refused}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
