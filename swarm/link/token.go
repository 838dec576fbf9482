package link

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Token lets a worker join: by it the worker knows its master, whose certificate
// has that fingerprint, before it shows that it knows the secret.
type Token struct {
	print  [sha256.Size]byte
	secret [16]byte
}

const tokenBegin = "TL1-"

// String is the token as it is typed.
func (t Token) String() string {
	return tokenBegin + base64.RawURLEncoding.EncodeToString(append(t.print[:], t.secret[:]...))
}

// ParseToken reads a token as it is typed.
func ParseToken(s string) (Token, error) {
	var t Token
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), tokenBegin)
	b, err := base64.RawURLEncoding.DecodeString(rest)
	if !ok || err != nil || len(b) != len(t.print)+len(t.secret) {
		return t, errors.New("that is no token: copy the whole of it, from TL1- on, out of the line that the master prints")
	}
	copy(t.print[:], b)
	copy(t.secret[:], b[len(t.print):])
	return t, nil
}

// master is the name under which both ends of this token speak.
func (t Token) master() string {
	sum := sha256.Sum256(t.print[:])
	return hex.EncodeToString(sum[:6])
}

func (t Token) password() string { return base64.RawURLEncoding.EncodeToString(t.secret[:]) }

func (t Token) admits(password string) bool {
	return subtle.ConstantTimeCompare([]byte(password), []byte(t.password())) == 1
}

// proof shows, to who knows the token too, that one who goes by that name knows it.
func (t Token) proof(role, name string) string {
	h := hmac.New(sha256.New, t.secret[:])
	io.WriteString(h, role+" "+name)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func (t Token) proves(proof, role, name string) bool {
	return subtle.ConstantTimeCompare([]byte(proof), []byte(t.proof(role, name))) == 1
}

// pinned is a client's TLS that knows the master by its fingerprint and by nothing
// else: there is no authority, and names do not matter.
func (t Token) pinned() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, // VerifyConnection does it
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || sha256.Sum256(s.PeerCertificates[0].Raw) != t.print {
				return errStranger
			}
			return nil
		},
	}
}

var errStranger = errors.New("whoever answers there is not the master of this token (its certificate is another): take the token from that master's own line, or see who answers at that address")

// Identity is who a master is, to workers that were given its token.
type Identity struct {
	Token Token
	cert  tls.Certificate
}

const (
	certificateFile = "master.pem"
	secretFile      = "secret"
)

// LoadIdentity reads a master's identity from a directory, and makes one where none
// is. The files are for their owner alone.
func LoadIdentity(dir string) (*Identity, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the master's identity: %w", err)
	}
	path := filepath.Join(dir, certificateFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if b, err = newCertificate(); err == nil {
			err = writeOwn(path, b)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the master's identity: %w", err)
	}
	id := &Identity{}
	if id.cert, err = tls.X509KeyPair(b, b); err != nil {
		return nil, fmt.Errorf("the master's identity in %s: %w; delete it, and a new one is made", path, err)
	}
	id.Token.print = sha256.Sum256(id.cert.Certificate[0])
	path = filepath.Join(dir, secretFile)
	b, err = os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		b, err = newSecret(path)
	}
	if err != nil {
		return nil, fmt.Errorf("the master's identity: %w", err)
	}
	if len(b) != len(id.Token.secret) {
		return nil, fmt.Errorf("the secret in %s is damaged: delete it, and a new one is made", path)
	}
	copy(id.Token.secret[:], b)
	return id, nil
}

// Rotate gives a master's identity another secret: tokens that were given away do
// not admit anybody from the master's next start on.
func Rotate(dir string) (*Identity, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the master's identity: %w", err)
	}
	if _, err := newSecret(filepath.Join(dir, secretFile)); err != nil {
		return nil, fmt.Errorf("the master's identity: %w", err)
	}
	return LoadIdentity(dir)
}

func newSecret(path string) ([]byte, error) {
	b := make([]byte, len(Token{}.secret))
	rand.Read(b)
	return b, writeOwn(path, b)
}

// writeOwn writes a file for its owner alone, as a whole or not at all.
func writeOwn(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func newCertificate() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "tload master"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().AddDate(20, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}
