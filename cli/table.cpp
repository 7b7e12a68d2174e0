#include "cli/table.hpp"

namespace nacre::cli {

namespace {

// ---- options ---------------------------------------------------------------------------------------

constexpr option_spec connection[] = {
    {"url", 0, "URL", "The server, https://HOST[:PORT]; else NACRE_URL, else the profile's"},
    {"profile", 0, "NAME", "Act as this profile; else the one in use"},
    {"workspace", 'w', "ID", "The workspace; else NACRE_WORKSPACE, else the profile's"},
    {"token-file", 0, "FILE",
     "Read the credential from here (- for standard input); else NACRE_TOKEN, else the profile's"},
    {"ca-file", 0, "FILE", "Trust the certificates in this PEM file too; else NACRE_CA_FILE"},
    {"insecure-http", 0, "", "Allow http:// to another machine: everything can be overheard on the way"},
    {"json", 0, "", "Print JSON, for scripts"},
};

constexpr option_spec yes{"yes", 'y', "", "Do not ask"};
constexpr option_spec quiet_token{"quiet", 'q', "", "Print the token alone"};
constexpr option_spec output{"output", 'o', "FILE", "Write it to a new file that only you may read"};
constexpr option_spec passphrase{"passphrase", 'p', "", "Ask for the passphrase at the terminal"};
constexpr option_spec passphrase_file{"passphrase-file", 0, "FILE", "The passphrase is the first line of this file"};
constexpr option_spec passphrase_fd{"passphrase-fd", 0, "N", "The passphrase is the first line of this descriptor"};
constexpr option_spec root_key{"root-key", 0, "WHERE",
                               "Where the root key is (file:, credential:, env:); default DIR/root.key"};

constexpr option_spec share_options[] = {
    {"ttl", 't', "TIME",
     "How long it can be opened: 90s, 15m, 24h, 7d; what is not allowed is moved to the nearest bound"},
    passphrase,
    passphrase_file,
    passphrase_fd,
    {"generate", 'g', "", "Make a password up and share that"},
    {"length", 0, "N", "With --generate: its characters (24)"},
    {"show", 0, "", "With --generate: print it too"},
    {"editor", 'e', "", "Write it in $VISUAL or $EDITOR"},
    {"seal", 0, "", "Seal it here, so that the server cannot read it; the key is in the link (this is the default)"},
    {"no-seal", 0, "", "Let the server seal it, for readers whose programs know only its API"},
    {"guest", 0, "", "Share as a guest, though signed in"},
    {"quiet", 'q', "", "Print the link alone"},
};
constexpr option_spec open_options[] = {
    output,
    {"wait", 0, "", "Of a request: until it is answered"},
    passphrase,
    passphrase_file,
    passphrase_fd,
    {"retry-key", 0, "FILE",
     "Keep what a lost answer comes again with in this file, for another start of this command"},
};
constexpr option_spec request_options[] = {
    {"ttl", 't', "TIME", "How long it takes an answer, and how long an answer waits: 90s, 15m, 24h, 7d (7d)"},
    {"wait", 0, "", "Print the link on standard error, wait, and print the answer"},
    output,
    {"guest", 0, "", "Ask as a guest, though signed in"},
    {"quiet", 'q', "", "Print the two links alone, a line each"},
};
constexpr option_spec answer_options[] = {{"editor", 'e', "", "Write it in $VISUAL or $EDITOR"}};
constexpr option_spec burn_options[] = {yes, passphrase, passphrase_file, passphrase_fd};

constexpr option_spec create_options[] = {
    {"name", 'n', "NAME", "What it is for", true},
    {"scope", 's', "SCOPE", "What it may do; read if none is given", false, true, "read write admin introspect"},
    {"expires", 'e', "WHEN", "When it ends: 30d, 2027-12-31T00:00:00Z, never"},
    {"not-before", 0, "WHEN", "When it begins"},
    {"network", 0, "CIDR", "Good from these addresses only", false, true},
    {"max-uses", 0, "N", "Good for so many requests"},
    output,
    quiet_token,
};
constexpr option_spec reveal_options[] = {output};
constexpr option_spec rotate_options[] = {
    {"overlap", 0, "TIME", "How long the old token stays good: 90s, 15m, 24h, 7d; 30d at most"},
    {"until-first-use", 0, "", "The old token ends as soon as the new one is used"},
    {"expires", 'e', "WHEN", "A new end: 30d, 2027-12-31T00:00:00Z, never"},
    output,
    quiet_token,
};
constexpr option_spec yes_only[] = {yes};
constexpr option_spec run_options[] = {
    {"pat", 0, "ID", "The token to reveal", true},
    {"env", 0, "NAME", "Hand it over in this variable (NACRE_PAT)"},
    {"fd", 0, "N", "Hand it over as a line that can be read once from descriptor N, 3 or more"},
};
constexpr option_spec verify_options[] = {
    {"scope", 's', "SCOPE", "It must have this scope", false, true},
    {"permission", 0, "NAME", "It must have this permission", false, true},
    {"project", 0, "ID", "It must be good for this project"},
    {"quiet", 'q', "", "Print nothing: the exit code says it"},
};
constexpr option_spec put_options[] = {
    {"role", 'r', "ROLE", "Their role", true, false, "owner admin member"},
    {"email", 0, "ADDRESS", "Their e-mail address"},
};
constexpr option_spec tail_options[] = {
    {"lines", 'n', "N", "Begin with the last N entries (10)"},
    {"no-follow", 0, "", "Do not wait for more"},
};
constexpr option_spec export_options[] = {
    {"after", 0, "SEQ", "Only entries behind this number"},
    output,
};
constexpr option_spec audit_verify_options[] = {
    {"to", 0, "HEADFILE", "The head that the entries must come to", true},
    {"from", 0, "HEADFILE", "The entries begin behind this older head"},
    {"key", 0, "HEX", "The heads must be signed by this key: `key` of a head you had from the server itself"},
};
constexpr option_spec local[] = {
    {"profile", 0, "NAME", "This profile; else the one in use"},
    {"json", 0, "", "Print JSON, for scripts"},
};
constexpr option_spec list_profiles[] = {{"json", 0, "", "Print JSON, for scripts"}};
constexpr option_spec use_profile[] = {{"workspace", 'w', "ID", "And act in this workspace from now on"}};

constexpr option_spec mint_options[] = {
    {"data-dir", 0, "DIR", "Data directory of the development node", true},
    {"sub", 0, "UUID", "User id", true},
    {"ws", 0, "UUID", "Workspace id; made at first use"},
    {"role", 0, "ROLE", "Given at first use", false, false, "owner admin member"},
    {"ws-name", 0, "NAME", "Name of the workspace, if it is made"},
    {"email", 0, "ADDRESS", "The user's e-mail address"},
    {"scope", 0, "WORDS", "What it may do beyond workspaces; nacre.cluster: see the cluster, change its members"},
    {"ttl", 0, "TIME", "How long it is good: 90s, 15m, 24h (1h; at most 24h)"},
};
constexpr option_spec import_options[] = {
    {"file", 0, "FILE", "The rows; - for standard input", true},
    {"data-dir", 0, "DIR", "Into the directory of a stopped node, as the user it belongs to"},
    {"url", 0, "URL", "Into a running node, https://HOST[:PORT]"},
    {"insecure", 0, "", "With --url: send the token in clear text to another machine"},
    root_key,
    {"token-file", 0, "FILE", "With --url: file with an owner's or admin's token (else NACRE_TOKEN)"},
    {"ca-file", 0, "FILE", "With --url: trust the certificates in this PEM file too"},
};
constexpr option_spec ca_dir{"dir", 0, "DIR", "The CA's directory", true};
constexpr option_spec force{"force", 0, "", "Replace files that are there"};
constexpr option_spec ca_init_options[] = {
    ca_dir,
    {"cluster", 0, "NAME", "What the cluster is called, for people"},
    force,
};
constexpr option_spec ca_issue_options[] = {
    ca_dir,
    {"out", 0, "DIR", "Where to write them; default: the CA's directory"},
    {"host", 0, "HOST", "A name or address of the node, for people and other tools", false, true},
    {"days", 0, "N", "How long it is good (730)"},
    force,
};
constexpr option_spec ca_show_options[] = {ca_dir, {"json", 0, "", "Print JSON, for scripts"}};
constexpr option_spec cluster_invite_options[] = {
    ca_dir,
    {"node", 0, "NODE", "Number of the new node, never used before in this cluster", true},
    {"address", 0, "HOST:PORT", "Where the others will reach it", true},
    {"member", 0, "ID=HOST:PORT", "A node that is there; give them all", true, true},
    {"root-key", 0, "WHERE", "The cluster's root key (file:, credential:, env:)", true},
    {"groups", 0, "N", "cluster.groups of the others (1)"},
    {"ttl", 0, "TIME", "How long the token can be used: 90s, 15m, 24h, 7d (1h; at most 7d)"},
};
constexpr option_spec cluster_init_options[] = {
    {"data-dir", 0, "DIR", "Data directory of the single node, which is stopped", true},
    ca_dir,
    {"node", 0, "NODE", "Its number in the cluster (1)"},
    {"address", 0, "HOST:PORT", "Where the others will reach it", true},
    {"groups", 0, "N", "Into how many groups with a leader each the workspaces are divided, for good (1)"},
    root_key,
};
constexpr option_spec cluster_keys_options[] = {
    {"data-dir", 0, "DIR", "Data directory of any of its nodes, which may run", true},
    ca_dir,
    root_key,
};
constexpr option_spec timeout{"timeout", 0, "TIME", "How long to wait: 90s, 15m, 24h (10m)"};
constexpr option_spec change_options[] = {timeout};
constexpr option_spec remove_options[] = {yes, timeout};
constexpr option_spec cluster_dev_options[] = {
    {"data-dir", 0, "DIR", "Where everything of the cluster lies; made at first use", true},
    {"nodes", 0, "N", "How many nodes (3)"},
    {"http-base-port", 0, "PORT",
     "HTTP port of node 1, the others follow (8080); for each other they listen 1001 above"},
    {"restart", 0, "NODE", "Become this node of a cluster that runs: starts it again after it was ended"},
};
constexpr option_spec restored_options[] = {
    {"data-dir", 0, "DIR", "The directory of a stopped node, as the user it belongs to", true},
    root_key,
    {"leave-cluster", 0, "",
     "All of its cluster goes back to this copy: makes it a single node's, from which `nacre cluster init` makes a new "
     "cluster. The other nodes must never start on what they had"},
    yes,
};
constexpr option_spec scan_options[] = {
    {"data-dir", 0, "DIR", "Data directory; the node may run", true},
    root_key,
};

// ---- operands --------------------------------------------------------------------------------------

constexpr operand_spec maybe_file[] = {
    {"FILE", "The text; - for standard input. Without it: a pipe, else the editor", 0}};
constexpr operand_spec maybe_link[] = {{"LINK",
                                        "The link; - for standard input. Without it: asked for. It is a secret: as an "
                                        "argument it is in your shell's history",
                                        0, 1, true}};
constexpr operand_spec link_and_file[] = {
    {"LINK", "The link that somebody sent you", 1, 1, true},
    {"FILE", "The text; - for standard input. Without it: a pipe, else the editor", 0}};
constexpr operand_spec maybe_receipt[] = {
    {"LINK", "The receipt's link, or your own of a request; - for standard input. Without it: asked for", 0, 1, true}};
constexpr operand_spec pat_id[] = {{"ID", "Of the token, a UUID; `nacre pat list` shows them"}};
constexpr operand_spec workspace_name[] = {{"NAME", "What it is called"}};
constexpr operand_spec workspace_id[] = {{"ID", "Of the workspace, a UUID"}};
constexpr operand_spec maybe_workspace_id[] = {{"ID", "Of the workspace; else the chosen one", 0}};
constexpr operand_spec workspace_id_name[] = {{"ID", "Of the workspace, a UUID"},
                                              {"NAME", "What it is called from now on"}};
constexpr operand_spec user_id[] = {{"USER", "Of the user, a UUID"}};
constexpr operand_spec profile_name[] = {{"NAME", "Of the profile"}};
constexpr operand_spec files[] = {{"FILE", "To read; - for standard input", 1, 255}};
constexpr operand_spec node_number[] = {{"NODE", "Number of the node, from 1, never used before in this cluster"}};
constexpr operand_spec new_nodes[] = {{"NODE=HOST:PORT", "A node that waits, and where the others reach it", 1, 255}};
constexpr operand_spec node_numbers[] = {{"NODE", "Number of a member", 1, 255}};
constexpr operand_spec old_and_new[] = {{"NODE", "Number of the member that goes"},
                                        {"NODE=HOST:PORT", "The node that comes, under a number never used before"}};
constexpr operand_spec words[] = {{"CMD", "The command and what it takes", 1, 255}};
constexpr operand_spec shell[] = {{"SHELL", "bash, zsh or fish"}};

// ---- examples --------------------------------------------------------------------------------------

constexpr example share_examples[] = {
    {"nacre secret share --ttl 1d < letter.txt", "share a text, for a day"},
    {"nacre secret share --generate --show --passphrase", "make a password up, protect its link"},
    {"pass show db | nacre secret share -q", "from another program; print the link alone"},
};
constexpr example open_examples[] = {
    {"nacre secret open", "paste the link when asked"},
    {"nacre secret open -o key.pem < link.txt", "into a new file that only you may read"},
};
constexpr example request_examples[] = {
    {"nacre secret request --ttl 1d", "a link to send, and one to open the answer with"},
    {"nacre secret request --wait -o db.password", "wait for it, into a new file that only you may read"},
};
constexpr example answer_examples[] = {
    {"pass show db | nacre secret answer 'https://nacre.example/r#1...'", "from another program"},
    {"nacre secret answer 'https://nacre.example/r#1...'", "write it in your editor"},
};
constexpr example receipt_examples[] = {{"nacre secret receipt https://nacre.example/receipt/...", "was it opened?"}};
constexpr example burn_examples[] = {
    {"nacre secret burn https://nacre.example/receipt/...", "it went to the wrong person"}};
constexpr example create_examples[] = {
    {"nacre pat create --name 'CI of web' --scope read --expires 90d", "for ninety days"},
    {"nacre pat create --name MCP -s write --network 10.0.0.0/8 -o mcp.token", "from one network only, into a file"},
};
constexpr example list_examples[] = {
    {"nacre pat list --json | jq -r '.[] | select(.expiresAt == null) | .name'", "which never expire?"}};
constexpr example reveal_examples[] = {{"nacre pat reveal ID | wl-copy", "to the clipboard, not to the screen"}};
constexpr example rotate_examples[] = {
    {"nacre pat rotate ID --overlap 1h --until-first-use -o new.token", "without an outage"}};
constexpr example run_examples[] = {
    {"nacre run --pat ID --env GITHUB_TOKEN -- gh api user", "in an environment variable"},
    {"nacre run --pat ID --fd 3 -- sh -c 'read -r T <&3; ...'", "where the environment is too public"},
};
constexpr example verify_examples[] = {{"nacre verify --scope write < token.txt && echo welcome", "in a script"}};
constexpr example tail_examples[] = {
    {"nacre audit tail --json | jq -r 'select(.outcome != \"granted\") | .action'", "what is refused, as it happens"}};
constexpr example export_examples[] = {{"nacre audit export -o audit.jsonl", "all of it, one JSON object a line"}};
constexpr example head_examples[] = {
    {"nacre audit head > head-$(date +%F).json", "kept where the server's operator cannot write"}};
constexpr example audit_verify_examples[] = {
    {"nacre audit verify audit.jsonl --to head.json --key $KEY", "all from the first entry on"},
    {"nacre audit export --after 120 | nacre audit verify - --from old.json --to new.json",
     "what came behind an older head, which was of 120 entries"},
};
constexpr example login_examples[] = {
    {"nacre login --url https://nacre.example", "paste a token when asked"},
    {"nacre login --url https://nacre.example --profile ci < token.txt", "from a file, as another profile"},
};
constexpr example use_examples[] = {{"nacre profile use ci", "switch"}};
constexpr example put_examples[] = {{"nacre member put 6f1c... --role admin", "make somebody an admin"}};
constexpr example mint_examples[] = {
    {"nacre token mint --data-dir data/dev --sub $ME --ws $WS --role owner", "a token for a development node"}};
constexpr example import_examples[] = {
    {"nacre import pats --url https://nacre.example --file rows.jsonl", "into a running node"}};
constexpr example restored_examples[] = {
    {"nacre restored --yes --data-dir /var/lib/nacre --root-key file:/etc/nacre/root.key", "before the first start"}};
constexpr example scan_examples[] = {
    {"git diff | nacre scan --data-dir /var/lib/nacre -", "is a token about to be committed?"}};
constexpr example ca_init_examples[] = {{"nacre ca init --dir ca --cluster production", "once, off the nodes"}};
constexpr example ca_issue_examples[] = {
    {"nacre ca issue 1 --dir ca --out node1 --host node-1.internal", "node-1.crt and node-1.key, for node 1"}};
constexpr example ca_show_examples[] = {{"nacre ca show --dir ca || echo renew", "has one of them ended?"}};
constexpr example cluster_invite_examples[] = {
    {"nacre cluster invite --dir ca --node 4 --address 10.0.0.4:7400 --member 1=10.0.0.1:7400 --root-key file:root.key",
     "there: nacred --config FILE --join TOKEN"}};
constexpr example cluster_init_examples[] = {
    {"nacre cluster init --data-dir /var/lib/nacre --dir ca --address 10.0.0.1:7400 --root-key file:root.key",
     "the node is stopped"}};
constexpr example cluster_keys_examples[] = {
    {"nacre cluster keys --data-dir /var/lib/nacre --dir ca --root-key file:root.key", "before the next invitation"}};
constexpr example cluster_status_examples[] = {
    {"nacre cluster status --json | jq -r '.members[] | select(.votes | not) | .node'", "who does not vote?"}};
constexpr example cluster_add_examples[] = {
    {"nacre cluster add 4=10.0.0.4:7400 5=10.0.0.5:7400", "from three nodes to five, in one step"}};
constexpr example cluster_remove_examples[] = {{"nacre cluster remove 4 5 --yes", "and back, in a script"}};
constexpr example cluster_replace_examples[] = {{"nacre cluster replace 2 6=10.0.0.6:7400", "node 2 lost its disk"}};
constexpr example cluster_dev_examples[] = {
    {"nacre cluster dev --nodes 3 --data-dir data/cluster --http-base-port 8080", "three nodes, from 8080 on"},
    {"nacre cluster dev --data-dir data/cluster --restart 2", "start node 2 again after kill -9"},
};
constexpr example bash_example[] = {
    {"nacre completion bash > ~/.local/share/bash-completion/completions/nacre", "for you alone"}};

// ---- the table -------------------------------------------------------------------------------------

constexpr std::span<const option_spec> no_options{};
constexpr std::span<const operand_spec> no_operands{};
constexpr std::span<const example> no_examples{};

constexpr command all[] = {
    {"secret share", "Share a text that one person can open once",
     "Prints the link for the reader and the receipt's link for you. Reads FILE, what is piped in, or opens your "
     "editor.\n\n"
     "Sealed here unless --no-seal says otherwise: the key is in the link behind #, which is never sent to the server. "
     "A file is shared byte for byte, a last line feed included; it must be UTF-8.\n\n"
     "Signed in with a personal access token the secret is its owner's; otherwise a guest's.",
     true, share_options, maybe_file, share_examples, run_secret_share},
    {"secret open", "Open a link, once, and print what it holds",
     "Looks first, which consumes nothing; asks for the passphrase if there is one. A link that lost a character is "
     "found out "
     "before the secret is used up. If the answer gets lost on its way it is asked for again under the same key, for "
     "three quarters of a minute, and only when the value has been written is the server told to forget it.",
     true, open_options, maybe_link, open_examples, run_secret_open},
    {"secret request", "Ask somebody for a secret",
     "Makes a key pair and prints two links: one to send, which takes one answer and shows nothing, and your own, with "
     "which `nacre secret open` opens the answer, once; `nacre secret receipt` tells how it stands and `nacre secret "
     "burn` withdraws it. The answer is sealed where it is written, for a key that is in your own link alone: the "
     "server cannot read it. With --wait the answer is opened here as soon as it has come.",
     true, request_options, no_operands, request_examples, run_secret_request},
    {"secret answer", "Answer somebody's request for a secret",
     "Seals the text here, for whoever made the link, and sends it: answer only if you know who sent you the link. The "
     "first answer stands. Reads FILE, what is piped in, or opens your editor.",
     true, answer_options, link_and_file, answer_examples, run_secret_answer},
    {"secret receipt", "Tell what became of a secret or a request", "", true, no_options, maybe_receipt,
     receipt_examples, run_secret_receipt},
    {"secret burn", "Destroy a secret unread, or withdraw a request", "", true, burn_options, maybe_receipt,
     burn_examples, run_secret_burn},

    {"pat create", "Make a personal access token and print it",
     "It is shown now; later `nacre pat reveal` shows it to those who may.", true, create_options, no_operands,
     create_examples, run_pat_create},
    {"pat list", "List personal access tokens, newest first", "", true, no_options, no_operands, list_examples,
     run_pat_list},
    {"pat show", "Show one, without the token itself", "", true, no_options, pat_id, no_examples, run_pat_show},
    {"pat reveal", "Print the full token",
     "Counted and on record: ten a minute for one token. A lost answer is asked for again and costs nothing.", true,
     reveal_options, pat_id, reveal_examples, run_pat_reveal},
    {"pat rotate", "Put a new token in place of the old one and print it",
     "The old one ends at once unless --overlap says otherwise.", true, rotate_options, pat_id, rotate_examples,
     run_pat_rotate},
    {"pat revoke", "End a token for good", "", true, yes_only, pat_id, no_examples, run_pat_revoke},
    {"run", "Reveal a token to one command, and to nothing else",
     "Becomes the command, with the token in one environment variable or behind one file descriptor, never in an "
     "argument. "
     "NACRE_TOKEN is taken out of its environment. The exit code is the command's.",
     true, run_options, words, run_examples, run_with_pat},
    {"verify", "Tell whether a token is good",
     "Reads the token from standard input. With --workspace it must be one of that workspace. Exit code 0: good; 77: "
     "not "
     "good, or not for what was asked.",
     true, verify_options, no_operands, verify_examples, run_verify},

    {"workspace list", "List your workspaces", "", true, no_options, no_operands, no_examples, run_workspace_list},
    {"workspace create", "Make a workspace and own it", "", true, no_options, workspace_name, no_examples,
     run_workspace_create},
    {"workspace show", "Show one", "", true, no_options, maybe_workspace_id, no_examples, run_workspace_show},
    {"workspace rename", "Give it another name", "", true, no_options, workspace_id_name, no_examples,
     run_workspace_rename},
    {"workspace delete", "Delete it, with everything sealed in it", "", true, yes_only, workspace_id, no_examples,
     run_workspace_delete},
    {"member list", "List members and their roles", "", true, no_options, no_operands, no_examples, run_member_list},
    {"member put", "Add a member, or change a role", "", true, put_options, user_id, put_examples, run_member_put},
    {"member remove", "Remove a member, or leave", "", true, yes_only, user_id, no_examples, run_member_remove},
    {"audit tail", "Show the end of the audit log and what is added to it",
     "Follows until it is interrupted. --json prints the entries as they are, one a line.", true, tail_options,
     no_operands, tail_examples, run_audit_tail},
    {"audit export", "Print the whole audit log as JSON lines", "", true, export_options, no_operands, export_examples,
     run_audit_export},
    {"audit head", "Print the signed head of the audit log, for keeping",
     "One line of JSON: how long the log is, the root of its Merkle tree, and the installation's signature. Keep it "
     "where neither the server nor who operates it can write: `nacre audit verify` holds a later export against it.",
     true, no_options, no_operands, head_examples, run_audit_head},
    {"audit verify", "Check an export of the audit log against a head, without a server",
     "Whether the files hold, in this order, every entry up to the head, as it was when the head was signed. Entries "
     "behind the head are counted and not covered. That something was changed can be told, but not which entry.",
     false, audit_verify_options, files, audit_verify_examples, run_audit_verify},

    {"login", "Sign in: check a token and keep it in a profile",
     "The token (a personal access token, or a JWT of your issuer) is typed without echo or piped in. It is kept in a "
     "file that only "
     "you may read, and sent to that server only.",
     true, no_options, no_operands, login_examples, run_login},
    {"logout", "Forget a profile and its token", "", false, local, no_operands, no_examples, run_logout},
    {"whoami", "Say who the credential stands for", "", true, no_options, no_operands, no_examples, run_whoami},
    {"profile list", "List profiles", "", false, list_profiles, no_operands, no_examples, run_profile_list},
    {"profile use", "Use another profile from now on", "", false, use_profile, profile_name, use_examples,
     run_profile_use},

    {"token mint", "Print a JWT of the development issuer", "", false, mint_options, no_operands, mint_examples,
     run_token_mint},
    {"import pats", "Take over hash-only personal access tokens, one JSON object a line", "", false, import_options,
     no_operands, import_examples, run_import_pats},
    {"restored", "Burn, offline, the one-time secrets of a directory that was restored from a copy",
     "What was opened after the copy was made could be opened again. Burns every one-time secret and cancels every "
     "request for one before the node is started; tokens stay. Not for a directory that was only moved.",
     false, restored_options, no_operands, restored_examples, run_restored},
    {"scan", "Tell, offline, whether files hold tokens of this installation", "", false, scan_options, files,
     scan_examples, run_scan},

    {"ca init", "Make the CA of a cluster",
     "Writes DIR/ca.crt, for every node, and DIR/ca.key, which makes nodes: keep it off them. Good for ten years. "
     "Whoever "
     "has a certificate of this CA is a node of the cluster, so it is for this cluster alone.",
     false, ca_init_options, no_operands, ca_init_examples, run_ca_init},
    {"ca issue", "Make a node's certificate and key",
     "Writes node-NODE.crt and node-NODE.key (mode 0600). Good for two years, and never longer than the CA. The "
     "certificate names the cluster and the node, whatever hosts are given.",
     false, ca_issue_options, node_number, ca_issue_examples, run_ca_issue},
    {"ca show", "Show the CA and what it has issued in its directory", "Exit code 65 if a certificate has ended.",
     false, ca_show_options, no_operands, ca_show_examples, run_ca_show},
    {"cluster init", "Make a single node the first of a cluster",
     "Works on the directory of a stopped node, which keeps all it holds, as the user it belongs to. Needs the CA of "
     "`nacre ca init`; writes the "
     "node's certificate and key into DIR/cluster, and the service keys, sealed under the root key, beside the CA, "
     "where "
     "`nacre cluster invite` finds them for the nodes to come. Prints the section [cluster] for the node's "
     "configuration, and prints it again when asked the same again, while the node is alone.\n\n"
     "Take in the others then, two at once to be three: between one and two nodes any failure stops both, and while "
     "the "
     "second fetches the state nothing is answered.",
     false, cluster_init_options, no_operands, cluster_init_examples, run_cluster_init},
    {"cluster keys", "Give a new CA of a cluster the cluster's service keys",
     "A cluster keeps the service keys it began with, whatever CA its certificates are of later. Writes them, sealed "
     "under the root key, beside the CA as `nacre cluster init` does; without them nodes that `nacre cluster invite` "
     "invites are not taken in. What is there and differs stays.",
     false, cluster_keys_options, no_operands, cluster_keys_examples, run_cluster_keys},
    {"cluster invite", "Make a token with which a new node joins a cluster",
     "Issues a certificate and prints a token that holds it, its key, the CA's certificate and the members, sealed "
     "under "
     "the root key: a new node needs that key anyway, and without it the token only tells where the cluster is. On the "
     "new machine `nacred --config FILE --join TOKEN` unpacks it. After its time a node refuses the token; the "
     "certificate in it is good for two years all the same, so whoever has both token and root key has a node.",
     false, cluster_invite_options, no_operands, cluster_invite_examples, run_cluster_invite},
    {"cluster status", "Show members, who leads, who lags",
     "Any node may be asked; it takes an operator. Exit code 69 if the node asked is not ready, or a member does not "
     "vote.",
     true, no_options, no_operands, cluster_status_examples, run_cluster_status},
    {"cluster add", "Take nodes into a cluster, while it serves",
     "Each must have joined (`nacre cluster invite`, `nacred --join`), run, and wait. Refused when the cluster would "
     "lose its majority, when a node does not answer, or belongs elsewhere. Ends when they have the state and vote.",
     true, change_options, new_nodes, cluster_add_examples, run_cluster_add},
    {"cluster remove", "Take nodes out of a cluster, while it serves",
     "Their numbers never come back; stop them afterwards and erase their directories. Refused when the rest would be "
     "no "
     "majority that answers.",
     true, remove_options, node_numbers, cluster_remove_examples, run_cluster_remove},
    {"cluster replace", "Put a new node in the place of one, in one step",
     "For a node whose disk or machine is lost: what it promised the others is gone, so it comes back under a new "
     "number, "
     "with an empty directory.",
     true, change_options, old_and_new, cluster_replace_examples, run_cluster_replace},
    {"cluster dev", "Run a development cluster on this machine",
     "Starts the nodes as child processes on loopback, with a CA, a root key and a development issuer of their own in "
     "DIR. When all serve it prints a line for each, with what starts it again, and then `ready`. What they write to "
     "standard error is in DIR/nodeN.log. Ctrl-C ends them all. `nacre token mint --data-dir DIR` makes tokens for "
     "it.\n\n"
     "Started again on the same directory it goes on where it ended; of a node that does not serve beside the others, "
     "such as one that was taken out, it says why.",
     false, cluster_dev_options, no_operands, cluster_dev_examples, run_cluster_dev},

    {"completion", "Print a shell's completion", "", false, no_options, shell, bash_example, run_completion},
    {"man", "Print the manual page", "", false, no_options, no_operands, no_examples, run_man},
};

constexpr group all_groups[] = {
    {"secret", "one-time secrets"},
    {"pat", "personal access tokens"},
    {"workspace", "workspaces"},
    {"member", "members of a workspace"},
    {"audit", "the audit log of a workspace"},
    {"profile", "where you are signed in"},
    {"token", "tokens of the development issuer"},
    {"import", "take over tokens issued elsewhere"},
    {"ca", "the CA of a cluster"},
    {"cluster", "clusters of nodes"},
};

constexpr exit_meaning all_exits[] = {
    {exit_ok, "Done."},
    {exit_usage, "The command line is wrong, or a yes is missing."},
    {exit_data,
     "What was given is not accepted, or not there (any more): refused rows, a secret that is gone, a wrong "
     "passphrase, tokens found by a scan."},
    {exit_unavailable, "No answer, or not now: try again."},
    {exit_io, "A file or a pipe could not be read or written."},
    {exit_not_allowed, "Not signed in (any more), or not allowed; a token that verify finds not good."},
    {exit_config, "No server or workspace is chosen; profiles, data directory or keys are not right."},
};

constexpr variable all_variables[] = {
    {"NACRE_URL", "The server, if --url does not say."},
    {"NACRE_TOKEN", "The credential, if --token-file does not say. It goes before the profile's."},
    {"NACRE_WORKSPACE", "The workspace, if --workspace does not say."},
    {"NACRE_CA_FILE", "Certificates to trust besides the system's, if --ca-file does not say."},
    {"XDG_CONFIG_HOME", "Where profiles are kept."},
    {"VISUAL, EDITOR", "What a text is written in."},
    {"NO_COLOR", "No bold head lines, no line of progress."},
};

}  // namespace

std::span<const command> commands() { return all; }
std::span<const group> groups() { return all_groups; }
std::span<const option_spec> connection_options() { return connection; }
std::span<const exit_meaning> exit_meanings() { return all_exits; }
std::span<const variable> variables() { return all_variables; }

}  // namespace nacre::cli
