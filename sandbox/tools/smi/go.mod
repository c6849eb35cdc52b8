module rampart.dev/sandbox/tools/smi

go 1.26.0

require github.com/servicemeshinterface/smi-sdk-go v0.5.0
