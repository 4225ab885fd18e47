"""S3 and STS by the SDK for C++, as pyarrow carries it: NAME of a bucket to make, ARN of a role that may use it.

The endpoint, region and keys come from the environment.
"""
import os
import re
import sys

from pyarrow import fs

name, role = sys.argv[1:]
settings = {'region': os.environ['AWS_REGION'], 'tls_ca_file_path': os.environ.get('AWS_CA_BUNDLE'),
            'endpoint_override': os.environ['AWS_ENDPOINT_URL'], 'scheme': os.environ['AWS_ENDPOINT_URL'].split(':')[0]}
KEY = f'{name}/a b/ü'
LARGE = os.urandom(11 << 20)  # written in parts

root = fs.S3FileSystem(**settings, allow_bucket_creation=True, allow_bucket_deletion=True, background_writes=True)
root.create_dir(name)

as_role = fs.S3FileSystem(**settings, role_arn=role, session_name='smoke')
with as_role.open_output_stream(KEY, metadata={'x': 'y'}) as out:
    out.write(LARGE)
with as_role.open_input_file(KEY) as file:
    file.seek(5 << 20)
    equal = file.read() == LARGE[5 << 20:]
found = [(one.path, one.size) for one in as_role.get_file_info(fs.FileSelector(name, recursive=True)) if one.is_file]
try:
    as_role.open_input_file(f'{name}/none')
    missing = 'no error'
except FileNotFoundError:
    missing = 'FileNotFoundError'
print('s3', equal, found == [(KEY, len(LARGE))], missing)

try:
    as_role.delete_dir(name)
    refused = 'no error'
except OSError as error:
    refused = ', '.join(sorted(set(re.findall(r'no identity-based policy allows the (\S+) action', str(error)))))
print('sts', refused)
root.delete_dir(name)
