"""The JavaScript and Go signers of MSK, each in a client of its language: they log in, and with a wrong secret they don't.
Their packages come from the registries, so only in the tier `full`."""
import os
import shutil
import subprocess

import pytest
from test_msk_iam import bootstrap_of, cluster, credentials_env  # noqa: F401

pytestmark = pytest.mark.skipif(os.environ.get('MEKONG_TIER') != 'full', reason='fetches packages: tier full')

JAVASCRIPT = """
const { Kafka, logLevel } = require('kafkajs');
const { generateAuthToken } = require('aws-msk-iam-sasl-signer-js');
const fs = require('fs');
async function main() {
  const kafka = new Kafka({
    brokers: process.env.BROKERS.split(','), logLevel: logLevel.NOTHING, retry: { retries: 0 },
    ssl: { ca: [fs.readFileSync(process.env.AWS_CA_BUNDLE)] },
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => {
      const made = await generateAuthToken({ region: 'us-east-2' });
      return { value: made.token };
    } } });
  const admin = kafka.admin();
  await admin.connect();
  console.log('topics ' + (await admin.listTopics()).length);
  await admin.disconnect();
}
main().catch(error => { console.log('refused ' + error.message); process.exit(1); });
"""

GO = """package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/IBM/sarama"
	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
)

type provider struct{}

func (provider) Token() (*sarama.AccessToken, error) {
	token, _, err := signer.GenerateAuthToken(context.Background(), "us-east-2")
	return &sarama.AccessToken{Token: token}, err
}

func main() {
	authorities := x509.NewCertPool()
	bundle, _ := os.ReadFile(os.Getenv("AWS_CA_BUNDLE"))
	authorities.AppendCertsFromPEM(bundle)
	config := sarama.NewConfig()
	config.Net.TLS.Enable = true
	config.Net.TLS.Config = &tls.Config{RootCAs: authorities}
	config.Net.SASL.Enable = true
	config.Net.SASL.Mechanism = sarama.SASLTypeOAuth
	config.Net.SASL.TokenProvider = provider{}
	config.Metadata.Retry.Max = 0
	client, err := sarama.NewClient(strings.Split(os.Getenv("BROKERS"), ","), config)
	if err != nil {
		fmt.Println("refused", err)
		os.Exit(1)
	}
	topics, _ := client.Topics()
	fmt.Println("topics", len(topics))
}
"""


@pytest.fixture(scope='module')
def javascript(tmp_path_factory):
    folder = tmp_path_factory.mktemp('javascript')
    (folder / 'main.js').write_text(JAVASCRIPT)
    subprocess.run(['npm', 'install', '--silent', '--no-audit', 'kafkajs@2.2.4', 'aws-msk-iam-sasl-signer-js@1.0.1'],
                   cwd=folder, check=True)
    return ['node', str(folder / 'main.js')]


@pytest.fixture(scope='module')
def go(tmp_path_factory):
    folder = tmp_path_factory.mktemp('go')
    (folder / 'main.go').write_text(GO)
    for words in (['mod', 'init', 'signers'], ['get', 'github.com/IBM/sarama@v1.45.0',
                                               'github.com/aws/aws-msk-iam-sasl-signer-go@v1.0.1'],
                  ['mod', 'tidy'], ['build', '-o', 'signers', '.']):
        subprocess.run(['go', *words], cwd=folder, check=True)
    return [str(folder / 'signers')]


@pytest.mark.parametrize('language', ['javascript', 'go'])
def test_the_signer_logs_in(request, mekong, cluster, language):  # noqa: F811
    if shutil.which({'javascript': 'npm', 'go': 'go'}[language]) is None:
        pytest.skip(f'{language} is not here')
    command = request.getfixturevalue(language)
    env = {**credentials_env(mekong, cluster), 'BROKERS': bootstrap_of(mekong, cluster), 'HOME': '/tmp'}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.startswith('topics '), done.stdout + done.stderr
    wrong = subprocess.run(command, env={**env, 'AWS_SECRET_ACCESS_KEY': 'not-the-secret'}, capture_output=True, text=True,
                           timeout=120, check=False)
    assert wrong.stdout.startswith('refused ') and wrong.returncode == 1
