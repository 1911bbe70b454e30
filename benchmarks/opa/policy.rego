# The shared policy of the comparison. The rules are data, looked up by name, which is the fast way to write it: one rule
# per line of Rego would be searched from the top by the wasm that OPA 1.x makes of it.
#
#   opa build -t wasm -e mandate/allow opa/policy.rego && tar xzf bundle.tar.gz /policy.wasm && mv policy.wasm opa/
package mandate

import rego.v1

default allow := false

allow if {
	rule := data.exact[input.action]
	holds(rule)
}

allow if {
	rule := data.prefixes[split(input.action, ".")[0]]
	holds(rule)
}

holds(rule) if {
	rule.allowed
	not rule.environment
}

holds(rule) if {
	rule.allowed
	rule.environment == input.environment
}
