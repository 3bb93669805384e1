# what a system is made of
$ assay list systems | awk '$1 == "tianchi512" || $1 == "dgx-h100"'
dgx-h100             1,024  h100-sxm       8 by switch, 128 by rails    128 servers of eight, NDR InfiniBand on eight rails
tianchi512             512  p800           512 by switch                512 cards in one supernode

# the model of 2.4 trillion on Tianchi512: it fits; as the links are only known as a range there is an interval and no point
$ assay search decoder.train/model=ernie-5-class-2.4t,batch=2048,tokens=4096 --backend tianchi512 >a; sed -nE '1,2p; /^step/{s/[0-9.]+ to [0-9.]+/N to N/g; p}' a; grep -cE "^best: tp|^what would change it" a
~ plans in
tianchi512: 512 x p800, 512 cards in one supernode
ernie-5-class-2.4t: 2.376e+12 parameters, 5.518e+10 of them active; a step is 2048 sequences of 4096 tokens
step N to N s (80 of 100; no point: link_bytes_per_s of tier scale-up of tianchi512 has no value), N to N days for 10^12 tokens
2

# a buyer's file with a key that is none
$ printf '{"format": "assay-system-spec/1", "system": "tianchi512", "by": "vendor", "tiers": {"scale-up": {"fields": {"link_byte_per_s": null}}}}' >s.json; assay search decoder.train/model=ernie-5-class-2.4t,batch=2048,tokens=4096 --backend tianchi512 --spec s.json
? 2
~ unknown key 'link_byte_per_s'
~ link_bytes_per_s

# where nothing fits: by how much, in which groups, and what would help
$ assay search decoder.train/model=ernie-5-class-2.4t,batch=256,tokens=4096 --backend dgx-h100 --devices 64 | sed -nE 's/[0-9]+(\.[0-9]+)?/N/g; s/: moments.*; /: …; /; /^no plan/p; /^needs/p'
? 2
~ plans in
no plan fits. The nearest, tp N cp N dp N pp N ep N, N x N sequences, zero N, recompute full:
needs N GB of N GB, N too many: …; nothing short of more devices or more memory makes it fit

# what links carry: of the best plan by tier, in text and JSON
$ assay search decoder.train/model=gpt-3-175b,batch=512,tokens=2048 --backend dgx-h100 --devices 128 2>/dev/null | sed -nE '/^links of/,/^$/{s/[0-9]+(\.[0-9]+)?/N/g; s/ +/ /g; p}'
links of a device of the busiest stage
 scale-up N % of the step busy, hidden behind work or not: N GB sent at N GB/s, N % of the link
 scale-out N % of the step busy, hidden behind work or not: N GB sent at N GB/s, N % of the link

$ assay search decoder.train/model=gpt-3-175b,batch=512,tokens=2048 --backend dgx-h100 --devices 128 --json 2>/dev/null | jq -c '.best[0] | [.links["scale-up", "scale-out"] | .sent_bytes > 0 and .busy_ns > 0] + [.links["scale-up"].busy_ns < .step_ns]'
[true,true,true]

# one step as a timeline
$ assay search decoder.train/model=llama-3.1-8b,batch=64,tokens=4096 --backend dgx-h100 --devices 16 --trace t.json --json 2>/dev/null >r.json; head -1 t.json; grep -c '"ph":"X"' t.json >n && [ "$(cat n)" -gt 1 ] && grep -o '"point": [a-z]*' r.json
[
"point": true

# what cannot be, in one line
$ assay search gemm --backend dgx-h100
? 2
! assay: 'gemm' is neither training nor serving of a decoder, for which alone plans are searched
$ assay search decoder.train --backend dgx-h1oo
? 2
~ there is no description of a system 'dgx-h1oo'
~ did you mean 'dgx-h100'?
$ assay search decoder.train --backend dgx-h100 --devices 100
? 2
~ 100 devices do not fill tiers of 'dgx-h100': 'scale-up' joins 8, and 4 are left over
$ assay search decoder.train/batch=1,tokens=1 --backend dgx-h100 --devices 1024
? 2
~ no plan divides 1024 devices and a batch of 1
$ assay search decoder.train --backend dgx-h100 --framework megatron-2024
? 2
~ did you mean 'megatron-2025'?

# a system's file from somebody else does nothing to the terminal
$ sed 's/"about": "/&\\u001b[31m\\n/' "$ASSAY_SOURCE/backends/systems/dgx-h100.json" >mine.json; assay search decoder.train/model=llama-3.1-8b,batch=64,tokens=4096 --backend ./mine.json --devices 16 >a; head -1 a | cut -c1-60; LC_ALL=C grep -c "$(printf '\033')" a
dgx-h100: 16 x h100-sxm, \x1b[31m\x0a128 servers of eight, N
0
? 1

# serving within limits on latencies: a system whose links are only known as a range gets intervals and no point
$ assay search decoder.serve/model=llama-2-70b --backend tianchi256 --prompt-tokens 1024 --output-tokens 256 --demand 50 2>/dev/null >a; sed -nE 's/[0-9]+(\.[0-9]+)?(e\+[0-9]+)?/N/g; 1,2p; /^best: tp|requests.s|^TTFT/p; /^  way /p' a | sed -E 's/: tp.*/: …/; s/(split|shared)/W/g; s/ [+-]N %/ N %/'
tianchiN: N x pN, N PN in one supernode, programmable switches, copper, liquid cooled
llama-N-Nb: N parameters, N of them active; requests of N and N tokens, TTFT within N ms, TPOT within N ms
best: …
N to N requests/s a device (N of N; no point: link_bytes_per_s of tier scale-up of tianchiN has no value), N to N output tokens/s
TTFT N to N ms, TPOT N to N ms
N requests/s need N to N devices
  way         W; W: N %
$ assay search decoder.serve/model=llama-3.1-8b --backend dgx-h100 --devices 8 --json 2>/dev/null >b; grep -cE '"(goodput_per_s|tpot_ns)": [0-9]' b >n && [ "$(cat n)" -gt 1 ] && grep -o '"point": [a-z]*' b
"point": true

# limits that nothing keeps; a model that has no room; a stack, lengths that are none
$ assay search decoder.serve/model=llama-3.1-405b --backend dgx-h100 --devices 16 --tpot-ms 2 2>/dev/null | sed -nE '/^no way/s/(nearest, ).*/\1…/p'
? 2
no way keeps the limits. The nearest, …
$ assay search decoder.serve/model=gpt-3-175b --backend dgx-h100 --devices 1 --prompt-tokens 100 --output-tokens 100 2>/dev/null | sed -nE 's/[0-9]+\.[0-9]/N/g; /^no way/p'
? 2
no way has room for one request: a rank needs N GB at least, of N GB
$ assay search decoder.serve/model=llama-3.1-8b --backend dgx-h100 --server vlm
? 2
! assay: there is no serving stack 'vlm'; vllm, trtllm and sglang are known
$ assay search decoder.serve/model=llama-2-70b --backend dgx-h100
? 2
! assay: requests of 4096 and 1024 tokens; model 'llama-2-70b' has a context of 4096
