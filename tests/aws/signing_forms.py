"""The forms in which a request can be signed beside the header over the whole body, for botocore's clients: Config(
signature_version=FORM). Each has a twin whose signature, or what takes its place, is wrong."""
import base64
import hashlib
import hmac

from botocore.auth import AUTH_TYPE_MAPS, S3SigV4Auth, S3SigV4QueryAuth, SigV4QueryAuth

EMPTY = hashlib.sha256(b'').hexdigest()


def changed(text):
    return text[:-1] + ('0' if text[-1] != '0' else '1')


class Chunks(S3SigV4Auth):
    """STREAMING-AWS4-HMAC-SHA256-PAYLOAD: the body in one chunk and an empty one, each signed."""
    wrong, literal = False, 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'

    def payload(self, request):
        return self.literal

    def add_auth(self, request):
        body = request.body or b''
        self.body = body if isinstance(body, bytes) else body.read()
        for name in [n for n in request.headers if n.lower().startswith(('x-amz-checksum-', 'x-amz-sdk-', 'content-md5'))]:
            del request.headers[name]
        self.prepare(request)
        super().add_auth(request)

    def prepare(self, request):
        request.headers['X-Amz-Decoded-Content-Length'] = str(len(self.body))
        request.headers['Content-MD5'] = base64.b64encode(hashlib.md5(self.body).digest()).decode()

    def _inject_signature_to_request(self, request, signature):
        super()._inject_signature_to_request(request, signature)
        request.data = self.framed(request, signature)
        request.headers['Content-Length'] = str(len(request.data))

    def framed(self, request, previous):
        key = ('AWS4' + self.credentials.secret_key).encode()
        for part in (request.context['timestamp'][:8], self._region_name, self._service_name, 'aws4_request'):
            key = self._sign(key, part)
        out = b''
        for chunk in ([self.body] if self.body else []) + [b'']:
            text = '\n'.join(['AWS4-HMAC-SHA256-PAYLOAD', request.context['timestamp'], self.credential_scope(request),
                              previous, EMPTY, hashlib.sha256(chunk).hexdigest()])
            previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
            said = changed(previous) if self.wrong else previous
            out += f'{len(chunk):x};chunk-signature={said}\r\n'.encode() + chunk + b'\r\n'
        return out


class Trailer(Chunks):
    """STREAMING-UNSIGNED-PAYLOAD-TRAILER: a checksum behind the body."""
    literal = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'

    def prepare(self, request):
        request.headers['X-Amz-Decoded-Content-Length'] = str(len(self.body))
        request.headers['X-Amz-Trailer'] = 'x-amz-checksum-sha256'

    def framed(self, request, previous):
        digest = hashlib.sha256(self.body + (b'x' if self.wrong else b'')).digest()
        chunk = f'{len(self.body):x}\r\n'.encode() + self.body + b'\r\n' if self.body else b''
        return chunk + b'0\r\nx-amz-checksum-sha256:' + base64.b64encode(digest) + b'\r\n\r\n'


class Unknown(Chunks):
    literal = 'STREAMING-AWS4-HMAC-SHA512-PAYLOAD'


class Presigned(S3SigV4QueryAuth):
    """In the query string; the body goes along as it is, where botocore would move it into the query."""
    def _modify_request_before_signing(self, request):
        body, request.data = request.data, None
        super()._modify_request_before_signing(request)
        request.data = body


def presigned_wrongly(base):
    class Wrong(base):
        def _inject_signature_to_request(self, request, signature):
            return super()._inject_signature_to_request(request, changed(signature))
    return Wrong


AUTH_TYPE_MAPS.update({
    'chunks': Chunks, 'chunks-wrong': type('WrongChunks', (Chunks,), {'wrong': True}),
    'trailer': Trailer, 'trailer-wrong': type('WrongTrailer', (Trailer,), {'wrong': True}),
    'unknown-form': Unknown,
    'presigned': Presigned, 'presigned-wrong': presigned_wrongly(Presigned), 'v4-query-wrong': presigned_wrongly(SigV4QueryAuth)})
