package stats

// Kind says how a measured act ended: OK, or the way in which it failed. It is
// decided where the failure happens, for any protocol.
type Kind uint8

// The kinds. Aborted is neither a success nor a failure: tload itself cut the
// act off when the run ended, and it is counted apart.
const (
	OK       Kind = iota
	DNS           // the name did not resolve
	Connect       // no connection: refused, unreachable, out of ports
	TLS           // the handshake failed
	Timeout       // no complete reply in time; the message names the phase
	Reset         // the peer reset the connection
	EOF           // the peer closed before a byte of the reply
	Protocol      // the reply is malformed
	Body          // the reply broke off in its body
	HTTP          // a status that was not expected
	Check         // the behaviour said no
	Error         // an error that a Measure returned
	Panic         // a panic in a behaviour, kept apart as an exception
	Aborted       // cut off by tload at the end of the run
	kinds         // how many there are
)

var kindNames = [kinds]string{
	"OK", "DNS", "CONNECT", "TLS", "TIMEOUT", "RESET", "EOF", "PROTOCOL", "BODY",
	"HTTP", "CHECK", "ERROR", "PANIC", "ABORTED",
}

// String is the kind as screens and files show it: RESET, TIMEOUT, HTTP ….
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "ERROR"
}

// Failed says whether the act counts as a failure.
func (k Kind) Failed() bool { return k != OK && k != Aborted }
