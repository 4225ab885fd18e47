// Whether what concurrent clients saw could have come from one register that did one thing at a time (linearizability,
// Herlihy and Wing 1990), decided by porcupine.
//
// histories < FILE: an operation a line, as JSON. Prints {"keys":…, "operations":…, "illegal":[KEY…], "undecided":[KEY…]}.
//
//	key      each is a register of its own, at first absent: "" in version -1
//	kind     read | write | swap (writes if the register is `expect`)
//	value    what was read or is written; "" is absence, and writing it a deletion
//	version  of what was read, counted by the register at each write; -2: the service tells none
//	expect   the value that a swap wants to find; with `expects_version`: the version, as text
//	outcome  done | refused (a swap: the register was not as wished) | unknown: nobody knows whether, or when
//	call, return  on one clock of all clients
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"
)

type operation struct {
	Key            string `json:"key"`
	Kind           string `json:"kind"`
	Value          string `json:"value"`
	Version        int64  `json:"version"`
	Expect         string `json:"expect"`
	ExpectsVersion bool   `json:"expects_version"`
	Outcome        string `json:"outcome"`
	Client         int    `json:"client"`
	Call           int64  `json:"call"`
	Return         int64  `json:"return"`
}

type register struct {
	value   string
	version int64
}

func (one register) written(value string) register {
	if value == "" {
		return register{"", -1}
	}
	return register{value, one.version + 1}
}

func (one register) isAs(op operation) bool {
	if op.ExpectsVersion {
		return one.value != "" && strconv.FormatInt(one.version, 10) == op.Expect
	}
	return one.value == op.Expect
}

func step(state, input, _ interface{}) (bool, interface{}) {
	now, op := state.(register), input.(operation)
	switch {
	case op.Kind == "read":
		return now.value == op.Value && (op.Version == -2 || now.version == op.Version), now
	case op.Kind == "write":
		return true, now.written(op.Value)
	case op.Outcome == "done":
		return now.isAs(op), now.written(op.Value)
	case op.Outcome == "refused":
		return !now.isAs(op), now
	case now.isAs(op): // unknown: one that changed nothing may as well have come after all others
		return true, now.written(op.Value)
	}
	return true, now
}

func main() {
	history := map[string][]porcupine.Operation{}
	count := 0
	for decoder := json.NewDecoder(os.Stdin); ; count++ {
		var op operation
		if err := decoder.Decode(&op); err == io.EOF {
			break
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "histories:", err)
			os.Exit(2)
		}
		if op.Outcome == "unknown" {
			op.Return = math.MaxInt64
		}
		history[op.Key] = append(history[op.Key],
			porcupine.Operation{ClientId: op.Client, Input: op, Call: op.Call, Return: op.Return})
	}
	model := porcupine.Model{Init: func() interface{} { return register{"", -1} }, Step: step}
	result := map[string]interface{}{"keys": len(history), "operations": count}
	illegal, undecided := []string{}, []string{}
	for key, operations := range history {
		switch porcupine.CheckOperationsTimeout(model, operations, time.Minute) {
		case porcupine.Illegal:
			illegal = append(illegal, key)
		case porcupine.Unknown:
			undecided = append(undecided, key)
		}
	}
	result["illegal"], result["undecided"] = illegal, undecided
	json.NewEncoder(os.Stdout).Encode(result)
}
