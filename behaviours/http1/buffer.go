package http1

import "sync"

// buffer is memory for one reply, lent to a connection from when the first
// byte can be read until the reply is released.
type buffer struct {
	b     []byte
	class int8 // its pool, or unpooled
	last  lastHead
}

// Classes of buffers: room for 4 KiB of headers beside 0, 16 KiB, 64 KiB,
// 256 KiB, 512 KiB and 1 MiB of body, the sizes that bodies tend to have. Larger
// ones are made to measure and left to the garbage collector. That of 512 KiB is
// also what a body without end is read through; see forget.
var bufferSizes = [...]int{4 << 10, 20 << 10, 68 << 10, 260 << 10, 516 << 10, 1028 << 10}

const unpooled = int8(len(bufferSizes))

var buffers [len(bufferSizes)]sync.Pool

// classFor is the smallest class that holds n bytes.
func classFor(n int) int8 {
	for i, size := range bufferSizes {
		if n <= size {
			return int8(i)
		}
	}
	return unpooled
}

// lend returns a buffer of that class.
func lend(class int8) *buffer {
	if b, ok := buffers[class].Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, bufferSizes[class]), class: class}
}

// lendSize returns a buffer of at least n bytes.
func lendSize(n int) *buffer {
	class := classFor(n)
	if class == unpooled {
		return &buffer{b: make([]byte, n), class: unpooled}
	}
	return lend(class)
}

// giveBack ends a loan.
func (b *buffer) giveBack() {
	if b.class != unpooled {
		buffers[b.class].Put(b)
	}
}
