#pragma once
// The cluster, for its operators (docs/adr/0025): who belongs to it and how it is, and other members for it.
//
// An operator is whoever holds a JWT with the scope `nacre.cluster` of an issuer that may say so, or an owner or admin
// of a workspace that the configuration names (cluster.operators), a token of theirs with the scope `read` to look and
// `admin` to change. Everybody else is told 403, whether or not there is a cluster.

#include "http/call.hpp"

namespace nacre::http::clusters {

void show(call_ptr c);    // GET /api/v1/cluster
void change(call_ptr c);  // PUT /api/v1/cluster/members

}  // namespace nacre::http::clusters
