#pragma once
// Keeps the errors of one TLS connection from being taken for another's.
//
// OpenSSL keeps errors per thread and wants that queue empty before each operation. CAF 0.17 does not empty it, and
// serves all connections on one thread: a stranger who sends one wrong line to the port ended the connection of
// whichever peer came next. So this program has SSL_read, SSL_write, SSL_accept and SSL_connect of its own, which empty
// the queue and call OpenSSL's; CAF's library finds ours first. Others that call them lose nothing: OpenSSL asks it of
// all of them.

#include "model/error.hpp"

namespace nacre::crypto {

// Whether it is so in this process, which depends on how it was linked; `internal` if not. Ask before CAF's TLS starts.
result<void> tls_errors_are_kept_apart();

}  // namespace nacre::crypto
